"""Reading a record of messages, line by line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmcore.cli.failures import InvalidLine, UnreadableFile
from dmcore.cli.trace import LATEST_S, LONGEST_LINE_BYTES, Attempt, Survey, Trace, parse_line
from dmcore.domain.ids import UserId
from dmcore.errors import CannotMessageYourself, InvalidId

CANARY = "kingfisher"


def written(path: Path, content: str | bytes) -> Trace:
    file = path / "trace.txt"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return Trace(file=file)


def fault_of(trace: Trace) -> str:
    with pytest.raises(InvalidLine) as caught:
        trace.survey()
    assert caught.value.__cause__ is None
    assert CANARY not in str(caught.value)
    return str(caught.value).partition("trace.txt, ")[2]


@pytest.mark.parametrize(
    "line", ["ann bob 7", "  ann\tbob   7  ", "ann bob 7\n", "ann bob 7\r\n", "ann bob 007"]
)
def test_fields_are_apart_by_any_white_space(line: str) -> None:
    expected = Attempt(line=3, sender=UserId("ann"), receiver=UserId("bob"), at_us=7_000_000)
    assert parse_line(3, line.encode()) == expected


@pytest.mark.parametrize("line", [b"", b"\n", b" \t \r\n", b"# ann bob 7", b"  #", b"#ann bob 7"])
def test_blank_lines_and_comments_are_no_attempts(line: bytes) -> None:
    assert parse_line(1, line) is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("ann bob", "2 fields instead of"),
        ("ann bob 7 8", "4 fields instead of"),
        ("ann bob x", "not a whole number"),
        ("ann bob -7", "not a whole number"),
        ("ann bob +7", "not a whole number"),
        ("ann bob 7.0", "not a whole number"),
        ("ann bob 1_0", "not a whole number"),
        ("ann bob ٧", "not a whole number"),
        ("ann bob ²", "not a whole number"),
        (f"ann bob {LATEST_S + 1}", "later than the year 9999"),
        (f"ann bob {'9' * 3000}", "later than the year 9999"),
        (f"ann bob {'7' * LONGEST_LINE_BYTES}", "longer than 4096 bytes"),
    ],
)
def test_a_malformed_line_is_refused(line: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_line(1, line.encode())


def test_the_last_second_that_a_calendar_knows_is_accepted() -> None:
    attempt = parse_line(1, f"ann bob {LATEST_S}".encode())
    assert attempt is not None
    assert attempt.at_us == LATEST_S * 1_000_000


def test_nobody_writes_to_themselves() -> None:
    with pytest.raises(CannotMessageYourself):
        parse_line(1, b"ann ann 7")


@pytest.mark.parametrize("line", [b"a\x00n bob 7", b"ann b\x07b 7", b"ann " + b"b" * 256 + b" 7"])
def test_ids_have_the_form_that_ids_have(line: bytes) -> None:
    with pytest.raises(InvalidId):
        parse_line(1, line)


def test_the_longest_ids_fit_into_a_line() -> None:
    line = f"{'𐍈' * 255} {'𐍉' * 255} {LATEST_S}\r\n".encode()
    assert len(line) <= LONGEST_LINE_BYTES
    assert parse_line(1, line) is not None


@given(st.binary(max_size=60))
def test_any_bytes_are_an_attempt_nothing_or_a_fault_without_content(line: bytes) -> None:
    found: object
    try:
        found = parse_line(1, line)
    except (ValueError, InvalidId, CannotMessageYourself) as fault:
        found = fault
    if isinstance(found, Exception):
        # A UnicodeDecodeError is a ValueError that carries the line.
        assert not isinstance(found, UnicodeDecodeError)
        assert found.__cause__ is found.__context__ is None
    elif found is not None:
        assert isinstance(found, Attempt)
        assert found.sender != found.receiver


def test_a_record_is_counted(tmp_path: Path) -> None:
    trace = written(tmp_path, "# a record\nann bob 5\n\nbob ann 6\nbob eve 4\neve ann 4")
    assert trace.survey() == Survey(lines=4, users=3, pairs=3, backward=1)
    assert [attempt.line for attempt in trace.attempts()] == [2, 4, 5, 6]


def test_an_empty_record_has_nothing_in_it(tmp_path: Path) -> None:
    assert written(tmp_path, "").survey() == Survey(lines=0, users=0, pairs=0, backward=0)


@pytest.mark.parametrize("most", [1, 2, 3, 9])
def test_only_the_first_attempts_can_be_asked_for(tmp_path: Path, most: int) -> None:
    """Comments do not count, and what comes after the last wanted attempt is not read."""
    file = written(tmp_path, "#\nann bob 1\n\nann bob 2\n#\nann bob 3\n").file
    found = [attempt.at_us for attempt in Trace(file=file, most=most).attempts()]
    assert found == [1_000_000, 2_000_000, 3_000_000][:most]
    written(tmp_path, "ann bob 1\nann bob 2\nann bob 3\nnonsense")
    if most < 3:
        assert Trace(file=file, most=most).survey().lines == most


def test_a_mark_that_an_editor_left_is_no_part_of_an_id(tmp_path: Path) -> None:
    trace = written(tmp_path, b"\xef\xbb\xbfann bob 1\nbob ann 2\n")
    assert trace.survey() == Survey(lines=2, users=2, pairs=1, backward=0)


def test_a_fault_names_file_and_line_and_not_what_stands_there(tmp_path: Path) -> None:
    assert fault_of(written(tmp_path, f"ann bob 1\n#\n{CANARY} is the word\n")) == (
        "line 3: 4 fields instead of `sender receiver unix_seconds`"
    )
    assert fault_of(written(tmp_path, f"ann {CANARY}\x07 1\n")).startswith("line 1: not a valid")
    assert fault_of(written(tmp_path, f"ann bob {CANARY}")).startswith("line 1: the third field")
    assert fault_of(written(tmp_path, f"{CANARY} {CANARY} 1")).startswith("line 1: a conversation")
    assert fault_of(written(tmp_path, b"ann bob 1\nann \xff\xfe 2")) == "line 2: not UTF-8"


def test_a_line_without_end_is_not_read_into_memory(tmp_path: Path) -> None:
    trace = written(tmp_path, b"ann bob 1\n" + b"x" * 10_000_000)
    assert fault_of(trace) == "line 2: longer than 4096 bytes"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for file, reason in (
        (tmp_path / "missing", "No such file or directory"),
        (tmp_path, "not a regular file"),
        (Path("/dev/null"), "not a regular file"),
        (tmp_path / ("x" * 300), "File name too long"),
    ):
        with pytest.raises(UnreadableFile) as caught:
            Trace(file=file).survey()
        assert str(caught.value) == f"{file}: {reason}"
