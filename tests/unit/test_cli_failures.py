"""How failures are told: one line, no password, nothing that a terminal would obey."""

import pytest

from dmcore.cli import failures


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://olga:s3cret@host/messages",
        "postgresql://olga:s3 cret@host/messages",
        "postgresql://olga:s3@cret@host/messages",
        "postgresql:/olga:s3cret@host/messages",
        "postgresql://host/messages?user=olga&password=s3cret&x=1",
        "postgresql://host/messages?PASSWORD=s3cret",
    ],
)
def test_a_url_is_told_without_its_password(url: str) -> None:
    told = failures.without_password(f"No such command '{url}'.")
    assert "cret" not in told
    assert "host/messages" in told


def test_what_a_terminal_would_obey_is_made_visible() -> None:
    assert failures.one_line("two\nlines\tand \x1b[31mred\u202e\udcff") == (
        "two lines and \\x1b[31mred\\u202e\\udcff"
    )


def test_an_unforeseen_error_is_told_by_kind_and_place_and_not_by_its_words() -> None:
    with pytest.raises(RuntimeError) as caught:
        raise RuntimeError("a text that nobody should read")
    told = failures.unexpected(caught.value)
    assert told.startswith("unexpected RuntimeError at test_cli_failures.py:")
    assert "nobody" not in told


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError(2, "No such file", "x/y"), "x/y: No such file"),
        (OSError(2, "No such file", 7), "No such file"),
        (OSError("something"), "the operating system refused"),
    ],
)
def test_the_operating_system_is_quoted(error: OSError, told: str) -> None:
    assert failures.system_failure(error) == told


def test_exit_statuses(capsys: pytest.CaptureFixture[str]) -> None:
    assert failures.told(failures.StoreNotEmpty("take another")) == 2
    assert failures.told(failures.Interrupted()) == 130
    assert capsys.readouterr().err.splitlines() == [
        "error: this store already holds messages: take another  [store_not_empty]",
        "error: interrupted; what was acknowledged before is stored  [interrupted]",
    ]
