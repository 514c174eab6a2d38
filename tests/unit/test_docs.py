"""The documentation is true: examples run, links lead somewhere, lists are complete.

How examples are written. ``python`` blocks of a page run in order and share their names; what a
block prints stands in the ``text output`` block after it. In ``console`` blocks, lines with
``$ dmcore`` run through the command line; below them stands what is shown, ``...`` for what varies,
and ``$ echo $?`` shows an exit status other than 0. A ``text file.txt`` or ``python file.py`` block
is a file of that name and is not run. All of it happens in an empty folder, one for each page.
"""

import doctest
import io
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import attrs
import pytest
import typer
from tools import cli_reference, promises, report_states

from dmcore import errors
from dmcore.cli import main
from dmcore.domain.reports import MOVES

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    page for at in ("*.md", "docs/**/*.md", "examples/**/*.md") for page in ROOT.glob(at)
)
# Pages speak of this address; the test puts that of a database of its own in its place.
EXAMPLE_URL = "postgresql://dmcore@localhost/messages"
_MEASURES = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")


@attrs.frozen
class Block:
    """One fenced block of a page."""

    language: str
    name: str
    text: str
    line: int


def blocks(page: Path) -> Iterator[Block]:
    fence = re.compile(r"^```(\S+)(?: ([^\n]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    text = page.read_text(encoding="utf-8")
    for match in fence.finditer(text):
        language, name, content = match.groups()
        yield Block(language, name or "", content, text[: match.start()].count("\n") + 1)


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def is_run(block: Block) -> bool:
    if block.language == "python":
        return not block.name
    return block.language == "console" and "$ dmcore" in block.text


def is_file(block: Block) -> bool:
    return block.language in {"text", "python"} and block.name not in {"", "output"}


def put(block: Block, folder: Path) -> None:
    """Write the file that a block is."""
    file = folder / block.name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(block.text, encoding="utf-8")


def shown(expected: str, found: str, where: str) -> None:
    """Compare as a reader does: blank space at line ends and around the whole does not count."""
    want, got = (
        "\n".join(line.rstrip() for line in text.strip().splitlines()) for text in (expected, found)
    )
    if not doctest.OutputChecker().check_output(want, got, doctest.ELLIPSIS):
        pytest.fail(f"{where} shows:\n{want}\n\nbut this happens:\n{got}")


# Examples ---------------------------------------------------------------------------------------


def run_python(block: Block, page: Path, names: dict[str, object]) -> str:
    # Empty lines in front, so that a traceback names the line of the page.
    code = compile("\n" * block.line + block.text, str(page), "exec")
    with redirect_stdout(io.StringIO()) as output:
        exec(code, names)
    return output.getvalue()


def as_module(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names of a program, in a module that is found: frameworks look annotations up there."""
    module = ModuleType("example")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return vars(module)


def run_command(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["dmcore", *arguments])
    output = io.StringIO()
    with redirect_stdout(output), redirect_stderr(output), pytest.raises(SystemExit) as ended:
        sys.exit(main())
    code = ended.value.code
    return (code if isinstance(code, int) else 0), output.getvalue()


def run_console(block: Block, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    status = 0
    for step in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, expected = step.replace("\\\n", " ").partition("\n")
        words = shlex.split(command, comments=True)
        if words[0] == "dmcore":
            assert status == 0, f"{where}: exit status {status} is not shown by `echo $?`"
            status, output = run_command(words[1:], monkeypatch)
            shown(expected, output, f"{where}: {command}")
        else:
            assert words == ["echo", "$?"], f"{where}: {command} is not run by the tests"
            shown(expected, str(status), f"{where}: {command}")
            status = 0
    assert status == 0, f"{where}: exit status {status} is not shown by `echo $?`"


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(map(is_run, blocks(page)))],
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)
def test_every_example_does_what_its_page_shows(
    page: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in (("COLUMNS", "100"), ("NO_COLOR", "1"), ("TERM", "dumb")):
        monkeypatch.setenv(name, value)
    # What a page starts as a process of its own need not be measured, which takes twice the time.
    for name in ("DMCORE_URL", "DMCORE_HOST_URL", "FORCE_COLOR", *_MEASURES):
        monkeypatch.delenv(name, raising=False)
    example_url: Callable[[str], str] = str
    if EXAMPLE_URL in page.read_text(encoding="utf-8"):
        postgres_url = request.getfixturevalue("postgres_url")
        example_url = lambda text: text.replace(EXAMPLE_URL, postgres_url)  # noqa: E731
    names = as_module(monkeypatch)
    printed = ""
    for block in blocks(page):
        where = f"{page.relative_to(ROOT)}:{block.line}"
        block = attrs.evolve(block, text=example_url(block.text))  # noqa: PLW2901
        if block.language == "text" and block.name == "output":
            shown(block.text, printed, where)
            printed = ""
            continue
        assert printed == "", f"{where}: what is printed before this is not shown"
        if is_file(block):
            put(block, tmp_path)
        elif block.language == "python":
            printed = run_python(block, page, names)
        elif is_run(block):
            run_console(block, where, monkeypatch)
    assert printed == "", f"{page}: what is printed at its end is not shown"


# Links and lists --------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """The anchors that readers' tools make of headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_internal_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = unquote(target).partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{target} does not exist"
        assert file.is_relative_to(ROOT), f"{target} is outside the project"
        assert not anchor or anchor in anchors(file), f"{target} has no such heading"


def test_every_page_can_be_reached_from_the_front_page() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page not in PAGES:
            continue
        reached.add(page)
        links = re.findall(r"\]\(([^)\s#:]+)", prose(page))
        waiting += [(page.parent / unquote(link)).resolve() for link in links]
    assert {page.relative_to(ROOT) for page in PAGES if page not in reached} == set()


def test_every_promise_that_a_page_names_is_listed() -> None:
    listed = {promise.id for promise in promises.read_promises(ROOT)}
    families = "|".join(sorted({promise.partition("-")[0] for promise in listed}))
    for page in PAGES:
        named = set(re.findall(rf"\b(?:{families})-\d+\b", page.read_text(encoding="utf-8")))
        assert named <= listed, f"{page.name} names {named - listed}"


def test_the_page_of_errors_lists_every_error() -> None:
    """docs/errors.md: class, code and HTTP status as they are."""
    page = (ROOT / "docs/errors.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (\d+) \|", page, re.MULTILINE)
    classes = [
        error
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, errors.DmcoreError)
    ]
    assert sorted(rows) == sorted(
        (error.__name__, error.code, str(error.http_status)) for error in classes
    )


ADRS = sorted((ROOT / "docs/adr").glob("[0-9]*.md"))


def test_each_decision_has_a_number_of_its_own() -> None:
    numbers = [int(adr.name[:4]) for adr in ADRS]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("adr", ADRS, ids=lambda adr: adr.name)
def test_every_decision_has_the_same_parts(adr: Path) -> None:
    text = adr.read_text(encoding="utf-8")
    assert re.match(rf"# {adr.name[:4]} .+\n\nStatus: .+\nDate: \d{{4}}-\d\d-\d\d\n", text)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
        "Context",
        "Decision",
        "Considered and rejected",
        "Consequences",
    ]


def test_the_index_of_decisions_lists_each_with_its_title_and_status() -> None:
    index = (ROOT / "docs/adr/README.md").read_text(encoding="utf-8")
    found = re.findall(r"^- \[(.+)\]\((.+)\) · (.+)$", index, re.MULTILINE)
    expected = []
    for adr in ADRS:
        title, _, status, *_ = adr.read_text(encoding="utf-8").splitlines()
        state = status.removeprefix("Status: ").partition(" (")[0]
        expected.append((title.removeprefix("# "), adr.name, state))
    assert found == expected


# The page of commands ---------------------------------------------------------------------------


def made_commands() -> typer.Typer:
    app = typer.Typer(help="Does things.", add_completion=False)

    @app.callback()
    def options() -> None: ...

    @app.command()
    def greet(
        name: str = typer.Argument(help="Whom to greet."),
        times: int = typer.Option(1, min=1, help="How often."),
    ) -> None:
        """Greet somebody."""

    @app.command(hidden=True)
    def secret() -> None: ...

    return app


def test_the_page_of_commands_tells_arguments_and_options() -> None:
    assert cli_reference.page(made_commands()).endswith(
        """\
Does things.

```text
dmcore [OPTIONS] COMMAND [ARGS]...
```

Options:

- `--help`: Show this message and exit.

## `dmcore greet`

Greet somebody.

```text
dmcore greet [OPTIONS] {name}
```

Arguments:

- `name <str>`: Whom to greet. [required]

Options:

- `--times <int range>`: How often. [default: 1; x>=1]
- `--help`: Show this message and exit.
"""
    )


def test_the_page_of_commands_does_not_depend_on_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    wide = cli_reference.page(made_commands())
    monkeypatch.setenv("COLUMNS", "30")
    assert cli_reference.page(made_commands()) == wide


def test_a_stale_page_of_commands_fails_the_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs").mkdir()
    assert cli_reference.main(["--check", "--root", str(tmp_path)]) == 1
    assert "docs/cli-reference.md is stale" in capsys.readouterr().err
    assert cli_reference.main(["--write", "--root", str(tmp_path)]) == 0
    assert cli_reference.main(["--check", "--root", str(tmp_path)]) == 0


# The drawing of reports -------------------------------------------------------------------------


@pytest.mark.promise("MOD-3")
def test_the_drawing_of_a_reports_life_is_the_table() -> None:
    assert report_states.main(["--check"]) == 0
    rows = re.findall(r"^\| (\w+) \| `(\w+)` \| (\w+) \|", report_states.table(), re.MULTILINE)
    table = [(state.value, move.value, after.value) for (state, move), after in MOVES.items()]
    assert sorted(rows) == sorted(table)
    drawing = report_states.drawing()
    for state, move in MOVES:
        assert f">{state}</text>" in drawing
        assert f">{move}</text>" in drawing


def test_a_stale_drawing_fails_the_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / report_states.PAGE
    page.parent.mkdir(parents=True)
    page.write_text(f"before\n{report_states.BEGIN}old\n{report_states.END}after\n")
    assert report_states.main(["--check", "--root", str(tmp_path)]) == 1
    assert "moderation.md is stale" in capsys.readouterr().err
    assert report_states.main(["--write", "--root", str(tmp_path)]) == 0
    assert report_states.main(["--check", "--root", str(tmp_path)]) == 0
    written = page.read_text()
    assert written.startswith("before\n")
    assert written.endswith("after\n")
    assert "old" not in written
