"""What is stored is listed: docs/metadata.toml against the stores themselves."""

from pathlib import Path

import pytest
from tests.third.store import SCHEMA
from tools import metadata

from dmcore.adapters.crypto._tables import metadata as keyring
from dmcore.adapters.memory import Store
from dmcore.adapters.sql import metadata as messages

ROOT = Path(__file__).resolve().parents[2]
TABLES = metadata.read_tables(ROOT)
LISTED = {table.name: table for table in TABLES}


@pytest.mark.promise("LEAK-1")
def test_every_stored_column_is_listed_with_its_reason() -> None:
    """Whoever adds a column says why, for how long, and who is to see it; no more is listed."""
    stored = {table.name: table for it in (messages, keyring) for table in it.sorted_tables}
    assert stored.keys() == LISTED.keys()
    for name, table in stored.items():
        assert set(table.columns.keys()) == set(LISTED[name].names()), name


def test_what_the_store_in_memory_holds_is_listed_too() -> None:
    held = [name for name in vars(Store()) if name != "lock"]
    assert set(held) == {name for table in TABLES for name in table.memory}


def test_a_store_from_outside_holds_no_more_kinds_of_things() -> None:
    """The third store keeps whole values: for each kind of them there is a table here."""
    kinds = {
        "installation": "dm_installation",
        "accounts": "dm_mailbox",
        "conversations": "dm_conversation",
        "messages": "dm_message",
        "receipts": "dm_receipt",
        "listings": "dm_side",
        "blocks": "dm_block",
        "journal": "dm_journal",
        "reports": "dm_report",
        "chosen": "dm_report_message",
        "evidence": "dm_evidence",
        "moves": "dm_report_move",
        "erasures": "dm_erasure",
        "restrictions": "dm_restriction",
        "consumers": "dm_consumer",
        "marks": "dm_mark",
        "aside": "dm_aside",
        "devices": "dm_device",
        "one_time_keys": "dm_one_time_key",
    }
    made = [line.split()[2] for line in SCHEMA.splitlines() if line.startswith("CREATE TABLE")]
    assert {kinds[name] for name in made} <= LISTED.keys()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_everything_is_said_of_every_column(table: metadata.StoredTable) -> None:
    assert table.what.endswith(".")
    assert table.kept
    assert [name for name, said in table.columns.items() if not all(said)] == []


def test_a_text_is_seen_by_the_two_and_by_who_holds_a_report() -> None:
    seen = {
        f"{table.name}.{name}": by
        for table in TABLES
        for name, (_, by) in table.columns.items()
        if name.endswith("body")
    }
    assert seen == {
        "dm_message.body": "the two",
        "dm_message.own_body": "its sender",
        "dm_evidence.body": "the moderator who holds the report",
    }


def test_the_page_is_as_the_list_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert metadata.main(["--check"]) == 0
    (tmp_path / "docs").mkdir()
    source = (ROOT / metadata.SOURCE).read_text(encoding="utf-8")
    (tmp_path / metadata.SOURCE).write_text(source, encoding="utf-8")
    assert metadata.main(["--check", "--root", str(tmp_path)]) == 1
    assert "stale" in capsys.readouterr().err
    assert metadata.main(["--write", "--root", str(tmp_path)]) == 0
    assert metadata.main(["--check", "--root", str(tmp_path)]) == 0
