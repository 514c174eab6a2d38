"""The command as the shell runs it: a process of its own, with pipes, terminals and signals."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from dmcore.adapters import sql

DMCORE = str(Path(sys.executable).with_name("dmcore"))
QUIET = {"COLUMNS": "80", "TERM": "xterm-256color"}


def environment(**changes: str) -> dict[str, str]:
    own = {key: value for key, value in os.environ.items() if key not in ("DMCORE_URL", "NO_COLOR")}
    return {**own, **QUIET, **changes}


def ran(*arguments: str, cwd: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [DMCORE, *arguments],
        cwd=cwd,
        env=environment(**changes),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_installed_command_works(tmp_path: Path) -> None:
    assert ran("init", cwd=tmp_path).returncode == 0
    assert json.loads(ran("mode", "on", "--json", cwd=tmp_path).stdout)["mode"] == "on"
    bad = ran("mode", "sideways", cwd=tmp_path)
    assert (bad.returncode, bad.stdout, bad.stderr.count("\n")) == (2, "", 1)
    assert "Traceback" not in bad.stderr


@pytest.mark.promise("EMB-1")
@pytest.mark.parametrize("package", ["typer", "rich", "sqlalchemy"])
def test_without_the_extra_one_line_names_it(tmp_path: Path, package: str) -> None:
    program = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from dmcore.cli import main; sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert 'pip install "dmcore[cli]"' in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_piped_transcript_is_plain_text(tmp_path: Path) -> None:
    done = ran("demo", "--script", "--file", "demo.db", cwd=tmp_path)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout


def test_a_screen_without_unicode_still_shows_the_demo(tmp_path: Path) -> None:
    done = ran("demo", "--script", "--file", "demo.db", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.isascii()
    assert "Ann sees" in done.stdout


def test_a_reader_who_stops_reading_is_no_reason_for_a_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        f"'{DMCORE}' demo --script --url memory: | head -n 1",
        shell=True,
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Traceback" not in done.stderr


def on_a_terminal(*arguments: str, cwd: Path) -> str:
    """All that a terminal receives from the command."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [DMCORE, *arguments], cwd=cwd, env=environment(), stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    received = b""
    # Reading from a terminal that the other side has closed is an error on Linux.
    with suppress(OSError):
        while piece := os.read(ours, 4096):
            received += piece
    os.close(ours)
    assert process.wait(timeout=60) == 0
    return received.decode()


def test_a_person_sees_a_bar_and_a_program_does_not(tmp_path: Path) -> None:
    (tmp_path / "trace.txt").write_text("ann bob 1\nbob ann 2\n")
    replay = ("replay", "trace.txt", "--url", "memory:")
    assert "100%" in on_a_terminal(*replay, cwd=tmp_path)
    assert "%" not in on_a_terminal(*replay, "--json", cwd=tmp_path)
    piped = ran(*replay, cwd=tmp_path)
    assert "%" not in piped.stdout + piped.stderr


@pytest.mark.promise("OPS-4")
def test_a_person_sees_what_a_backup_does_and_a_program_does_not(tmp_path: Path) -> None:
    sql.initialise(f"sqlite:///{tmp_path / 'dmcore.db'}")
    assert "Copying the store" in on_a_terminal("backup", "one", cwd=tmp_path)
    assert "Copying" not in on_a_terminal("backup", "two", "--json", cwd=tmp_path)
    piped = ran("backup", "three", cwd=tmp_path)
    assert "Copying" not in piped.stdout + piped.stderr


def test_a_terminal_gets_colours(tmp_path: Path) -> None:
    assert "\x1b[" in on_a_terminal("demo", "--script", "--url", "memory:", cwd=tmp_path)


IGNORING = ("sh", "-c", "trap '' INT; exec \"$@\"", "sh")


@pytest.mark.promise("MSG-4")
@pytest.mark.parametrize(
    ("number", "is_in_background"),
    [
        (signal.SIGINT, False),
        (signal.SIGTERM, False),
        (signal.SIGHUP, False),
        (signal.SIGTERM, True),
    ],
)
def test_an_interrupted_replay_keeps_what_it_acknowledged_and_turns_messaging_off(
    tmp_path: Path, number: signal.Signals, *, is_in_background: bool
) -> None:
    """In the background a shell has a process ignore what is typed at the terminal."""
    lines = (f"ann bob {60 * number}\n" for number in range(100_000))
    (tmp_path / "trace.txt").write_text("".join(lines))
    url = f"sqlite:///{tmp_path / 'dm.db'}"
    sql.initialise(url)
    process = subprocess.Popen(
        [*(IGNORING if is_in_background else ()), DMCORE, "replay", "trace.txt", "--url", url],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with sql.open_sync(url) as dm:
        operations = dm.operations("operator")
        while operations.status().messages < 50:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (130, "")
        assert err == (
            "error: interrupted; what was acknowledged before is stored  [interrupted]\n"
        )
        status = operations.status()
        assert status.messages >= 50
        assert status.mode == "off"
        assert operations.verify() == ()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full disk to write to here")
def test_a_full_disk_is_told_in_one_line(tmp_path: Path) -> None:
    ran("init", cwd=tmp_path)
    for form in ([], ["--json"]):
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [DMCORE, "status", *form],
                cwd=tmp_path,
                env=environment(),
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        assert done.returncode == 2
        assert done.stderr == "error: No space left on device  [system]\n"
