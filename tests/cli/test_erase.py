"""Erasing at the command line: shown first, done with --yes, and kept in a ledger."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Run

from dmcore import Cursor, Operations, Page
from dmcore.adapters import sql
from dmcore.errors import StoreBusy

TEXT = "the door code is zebra"


@pytest.fixture
def written(tmp_path: Path) -> str:
    """The file of the folder, in which Annabel wrote to Bob."""
    url = f"sqlite:///{tmp_path / 'dmcore.db'}"
    sql.initialise(url)
    with sql.open_sync(url) as dm:
        dm.operations("olga").set_mode("on")
        dm.mailbox("annabel").start("bob", TEXT)
    return url


@pytest.mark.promise("GDPR-1", "LEAK-1")
@pytest.mark.usefixtures("written")
def test_it_shows_what_is_there_and_erases_nothing_without_yes(run: Run) -> None:
    for options in ((), ("--preview",), ("--preview", "--yes")):
        shown = run("erase", "annabel", *options)
        assert shown.status == 0
        assert "Nothing was erased" in shown.out
        assert TEXT not in shown.out
    found = json.loads(run("erase", "annabel", "--json").out)
    assert (found["state"], found["conversations"], found["messages"]) == ("open", 1, 1)


@pytest.mark.promise("GDPR-1", "LEAK-1")
@pytest.mark.usefixtures("written")
def test_it_erases_once_and_keeps_a_ledger(run: Run, tmp_path: Path) -> None:
    assert "erased-" in run("erase", "annabel", "--yes").out
    assert "Erased before" in run("erase", "annabel", "--yes").out
    done = json.loads(run("erase", "annabel", "--yes", "--json").out)
    assert (done["has_changed"], done["is_finished"]) == (False, True)
    assert json.loads(run("erase", "annabel", "--json").out)["state"] == "erased"
    (line,) = json.loads(run("erasures", "--json").out)["erasures"]
    assert line["pseudonym"] == done["pseudonym"]
    table = run("erasures").out
    assert "erased-" in table
    assert "Lines written: 1" in run("erasures", "export", "ledger.jsonl").out
    assert (tmp_path / "ledger.jsonl").stat().st_mode & 0o077 == 0
    assert json.loads(run("erasures", "export", "other.jsonl", "--json").out) == {"lines": 1}
    again = run("erasures", "export", "ledger.jsonl")
    assert again.status == 2
    for part in (table, (tmp_path / "ledger.jsonl").read_text(encoding="utf-8")):
        assert "annabel" not in part


@pytest.mark.promise("GDPR-1")
@pytest.mark.usefixtures("written")
def test_an_older_backup_is_erased_again(run: Run, tmp_path: Path) -> None:
    backup = (tmp_path / "dmcore.db").read_bytes()
    gone = json.loads(run("erase", "annabel", "--yes", "--json").out)["pseudonym"]
    run("erasures", "export", "ledger.jsonl")
    for file in tmp_path.glob("dmcore.db*"):
        file.unlink()
    (tmp_path / "dmcore.db").write_bytes(backup)
    done = json.loads(run("erasures", "reapply", "ledger.jsonl", "--json").out)
    assert done["new_lines"] == 1
    assert [it["pseudonym"] for it in done["erased"]] == [gone]
    assert "Erased again: 0" in run("erasures", "reapply").out
    Path("other.jsonl").write_bytes(b"\xff\xfe\x00")
    assert run("erasures", "reapply", "other.jsonl").code == "invalid_ledger"
    assert run("verify").status == 0


def test_more_than_a_page_of_erasures_is_listed(run: Run, written: str) -> None:
    with sql.open_sync(written) as dm:
        operations = dm.operations("olga")
        (line,) = (operations.erase("annabel"), operations.export_erasures().items)[1]
        mark = "erased-00000000-0000-8000-8000-"
        name = json.loads(line)["pseudonym"]
        operations.record_erasures(line.replace(name, f"{mark}{it:012x}") for it in range(101))
        unfinished = line.split('"finished_at_us": ')[0] + '"finished_at_us": null}'
        operations.record_erasures([unfinished.replace(name, f"{mark}{999:012x}")])
    assert len(json.loads(run("erasures", "--json").out)["erasures"]) == 103
    assert "under" in run("erasures").out
    assert run("erasures", "export", "ledger.jsonl").out == "Lines written: 103\n"
    lines = Path("ledger.jsonl").read_text(encoding="ascii").splitlines()
    assert len(set(lines)) == 103
    assert json.loads(run("erasures", "reapply", "ledger.jsonl", "--json").out)["new_lines"] == 0


@pytest.mark.promise("GDPR-1")
@pytest.mark.usefixtures("written")
def test_half_a_ledger_is_not_left_lying_about(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is there one in memory: each page is written before the next one is read."""
    read = Operations.export_erasures
    sizes = []

    def failing(self: Operations, *, limit: int = 100, cursor: str | None = None) -> Page[str]:
        sizes.append((tmp_path / "ledger.jsonl").stat().st_size)
        if cursor is not None:
            raise StoreBusy
        page = read(self, limit=limit)
        return Page(page.items, Cursor("next"))

    run("erase", "annabel", "--yes")
    monkeypatch.setattr(Operations, "export_erasures", failing)
    assert run("erasures", "export", "ledger.jsonl").code == "store_busy"
    assert len(sizes) == 2
    assert not (tmp_path / "ledger.jsonl").exists()
