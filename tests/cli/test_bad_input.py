"""Whatever is wrong: one clear line on stderr, exit status 2, no traceback, no password."""

import builtins
import io
import json
import sqlite3
import sys
import tempfile
from contextlib import closing, redirect_stdout
from pathlib import Path

import pytest
from tests.cli.conftest import Run

from dmcore.adapters import sql
from dmcore.cli import commands, main

COMMANDS = ["init", "mode", "status", "demo", "seed", "import", "replay", "verify"]
SECRET = "geheim"


def named(command: str) -> list[str]:
    """The command with the argument that it cannot do without."""
    Path("trace.txt").write_text("ann bob 1\n")
    message = {"id": 1, "sender": "ann", "recipient": "bob", "text": "x", "sent_at": 1}
    Path("old.jsonl").write_text(json.dumps(message))
    file = {"import": ["old.jsonl"], "replay": ["trace.txt"]}
    return [command, *file.get(command, [])]


@pytest.mark.parametrize("as_json", [[], ["--json"]], ids=["table", "json"])
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("nonsense", "invalid_setting"),
        (" ", "invalid_setting"),
        ("sqlite://", "invalid_setting"),
        ("sqlite:///:memory:", "invalid_setting"),
        ("sqlite:///dm.db?no_such=1", "invalid_setting"),
        ("sqlite:///file:dm.db?uri=true", "invalid_setting"),
        (f"mysql://olga:{SECRET}@host/messages", "invalid_setting"),
        (f"postgresql+psycopg2://olga:{SECRET}@host/messages", "invalid_setting"),
        (f"postgresql://olga:{SECRET}@host:port/messages", "invalid_setting"),
        (f"postgresql://olga:{SECRET}@localhost:1/messages", "store_unavailable"),
        (f"postgresql://olga:{SECRET}@/messages?host=/nowhere", "store_unavailable"),
        (f"postgresql://olga:{SECRET}@localhost:1/messages?no_such=1", "store_unavailable"),
    ],
)
def test_a_url_that_cannot_be_used(
    run: Run, command: str, url: str, code: str, as_json: list[str]
) -> None:
    done = run(*named(command), "--url", url, *as_json)
    assert done.code == code
    assert SECRET not in done.err
    assert "olga" not in done.err


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_or_a_place_that_does_not_exist_is_no_store(run: Run, command: str) -> None:
    Path("folder").mkdir()
    for url in ("sqlite:///folder", "sqlite:///missing/dm.db"):
        assert run(*named(command), "--url", url).code in ("store_unavailable", "not_initialised")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_is_no_database_is_left_as_it_is(run: Run, command: str) -> None:
    Path("letter.txt").write_text("Dear diary " * 200)
    assert run(*named(command), "--url", "sqlite:///letter.txt").code == "store_unavailable"
    assert Path("letter.txt").read_text() == "Dear diary " * 200


@pytest.mark.parametrize("command", ["mode", "status", "verify"])
def test_a_store_that_is_not_set_up_is_not_made_by_looking_at_it(run: Run, command: str) -> None:
    done = run(command)
    assert done.code == "not_initialised"
    assert "dmcore init" in done.err
    assert not Path("dmcore.db").exists()
    with closing(sqlite3.connect("dmcore.db")) as connection:
        connection.execute("CREATE TABLE of_somebody_else (id INTEGER)")
        connection.commit()
    assert run(command).code == "not_initialised"


@pytest.mark.parametrize("command", COMMANDS)
def test_another_schema_version_is_refused(run: Run, command: str) -> None:
    run("init")
    with closing(sqlite3.connect("dmcore.db")) as connection:
        connection.execute("UPDATE dm_installation SET schema_version = 99")
        connection.commit()
    assert run(*named(command), "--url", "sqlite:///dmcore.db").code == "wrong_schema"


@pytest.mark.parametrize("command", ["init", "mode", "status", "verify"])
def test_the_store_in_memory_is_refused_where_it_is_senseless(run: Run, command: str) -> None:
    done = run(command, "--url", "memory:")
    assert done.code == "invalid_setting"
    assert "ends with the command" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--no-such-option"],
        ["no-such-command"],
        ["status", "--no-such-option"],
        ["status", "one", "too", "many"],
        ["status", "--url"],
        ["replay"],
        ["replay", "trace.txt", "--limit-lines", "0"],
        ["replay", "trace.txt", "--limit-lines", "many"],
        ["replay", "trace.txt", "--synchronous", "OFF"],
        ["seed", "--users", "many"],
        ["verify", "--most", "0"],
    ],
)
def test_a_wrong_use_is_told_in_one_line(run: Run, arguments: list[str]) -> None:
    assert run(*arguments).code == "usage"


@pytest.mark.parametrize(
    "arguments",
    [
        [f"postgresql://olga:{SECRET}@host/messages"],
        ["status", f"postgresql://olga:{SECRET}@host/messages"],
        ["replay", f"postgresql://olga:{SECRET}@host/messages"],
        [f"--url=postgresql://olga:{SECRET}@host/messages", "status"],
        ["mode", f"postgresql://olga:{SECRET}@host/messages"],
    ],
)
def test_a_url_at_the_wrong_place_is_not_repeated_with_its_password(
    run: Run, arguments: list[str]
) -> None:
    done = run(*arguments)
    assert done.status == 2
    assert SECRET not in done.err + done.out


@pytest.mark.parametrize("operator", ["", "a\nb", "x" * 256, "\udcff"])
def test_a_wrong_operator_turns_nothing(run: Run, operator: str) -> None:
    run("init")
    assert run("mode", "on", "--operator", operator).code == "invalid_id"
    assert run("mode").out == "off\n"


@pytest.mark.parametrize("as_json", [[], ["--json"]], ids=["table", "json"])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"ann bob\n", "line 1: 2 fields"),
        (b"ann bob 1\nann bob 1 kingfisher\n", "line 2: 4 fields"),
        (b"ann bob kingfisher\n", "line 1: the third field"),
        (b"ann bob -1\n", "line 1: the third field"),
        (b"kingfisher kingfisher 1\n", "line 1: a conversation needs two"),
        (b"kingfisher\x07 bob 1\n", "line 1: not a valid user id"),
        (b"kingfisher\xff bob 1\n", "line 1: not UTF-8"),
        (b"ann bob 1\n" + b"kingfisher" * 1000, "line 2: longer than"),
    ],
)
def test_a_wrong_line_is_named_and_not_repeated(
    run: Run, content: bytes, reason: str, as_json: list[str]
) -> None:
    Path("trace.txt").write_bytes(content)
    done = run("replay", "trace.txt", *as_json)
    assert done.code == "invalid_line"
    assert f"trace.txt, {reason}" in done.err
    assert "kingfisher" not in done.err
    assert not Path("dmcore.db").exists()


def test_a_record_that_cannot_be_read(run: Run) -> None:
    Path("folder").mkdir()
    for file in ("missing.txt", "folder", "a\nb"):
        assert run("replay", file).code == "unreadable_file"
    assert not Path("dmcore.db").exists()


@pytest.mark.promise("LEAK-1")
@pytest.mark.parametrize("extra", ["canary-pw", "olga:canary-pw@host", "--url=canary-pw"])
def test_an_argument_too_many_is_not_repeated(run: Run, extra: str) -> None:
    """It may be half of a URL that a shell took apart, password and all."""
    done = run("status", "--", extra, "another")
    assert done.code == "usage"
    assert "more arguments than this command takes" in done.err
    assert "canary" not in done.err + done.out


@pytest.mark.promise("LEAK-1")
def test_a_password_without_a_scheme_before_it_is_hidden(run: Run) -> None:
    done = run("olga:canary-pw@host")
    assert done.code == "usage"
    assert "canary" not in done.err + done.out


# What nobody foresaw ----------------------------------------------------------------------------


def test_a_missing_driver_is_named_as_what_to_install(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for command in ("init", "status"):
        done = run(command, "--url", f"postgresql://olga:{SECRET}@host/messages")
        assert done.code == "missing_extra"
        assert 'pip install "dmcore[postgres]"' in done.err


def test_what_the_operating_system_refuses(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    done = run("demo")
    assert done.code == "system"
    assert "No such file or directory" in done.err


def test_a_defect_is_told_without_its_words(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(url: str, **settings: object) -> bool:
        raise RuntimeError(f"kingfisher {url} {settings}")

    monkeypatch.setattr(sql, "initialise", fail)
    done = run("init")
    assert done.code == "unexpected"
    assert "unexpected RuntimeError at test_bad_input.py:" in done.err
    assert "kingfisher" not in done.err


def test_a_stream_that_is_no_file_is_written_to_all_the_same(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("init")
    monkeypatch.setattr(sys, "argv", ["dmcore", "mode"])
    with redirect_stdout(io.StringIO()) as output:
        assert main() == 0
    assert output.getvalue() == "off\n"


def test_an_interrupt_before_the_first_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "run", interrupted)
    assert main() == 130
    assert capsys.readouterr().err.endswith("[interrupted]\n")


@pytest.mark.parametrize("package", ["typer", "rich", "sqlalchemy"])
def test_a_missing_package_is_named_as_what_to_install(
    package: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    assert main() == 2
    assert capsys.readouterr().err == (
        'error: the command line needs more packages: pip install "dmcore[cli]"  [missing_extra]\n'
    )


def test_the_package_has_no_other_names() -> None:
    import dmcore.cli

    assert dmcore.cli.app is commands.app
    assert not hasattr(dmcore.cli, "kingfisher")
    assert "app" not in vars(builtins)
