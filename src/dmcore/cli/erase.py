"""Erasing a user, and the ledger of who was erased. What is printed names nobody who is gone."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import attrs
import typer

from dmcore.cli.options import DEFAULT_OPERATOR, DEFAULT_URL, AsJson, Url
from dmcore.cli.paging import every
from dmcore.cli.render import facts_table, listing, print_json, print_rows, sentence
from dmcore.cli.stores import lasting
from dmcore.domain.erasure import Erased, ErasurePreview

_OPERATOR = typer.Option("--operator", help="Who does it, for the journal.")

erasures = typer.Typer(
    help="The ledger of erasures: who was erased, under the name that is left of them.",
    invoke_without_command=True,
    rich_markup_mode="markdown",
)


def erase(
    user: Annotated[str, typer.Argument(metavar="USER", help="The id of a user.")],
    *,
    tenant: Annotated[str, typer.Option("--tenant", help="The user's tenant.")] = "",
    only_preview: Annotated[
        bool, typer.Option("--preview", help="Count what is there, and erase nothing.")
    ] = False,
    is_sure: Annotated[bool, typer.Option("--yes", help="Erase, for good.")] = False,
    url: Url = DEFAULT_URL,
    operator: Annotated[str, _OPERATOR] = DEFAULT_OPERATOR,
    as_json: AsJson = False,
) -> None:
    """Erase a user for good: their texts are shredded and their id is replaced.

    The others keep their conversations and what they wrote themselves. Without --yes it shows what
    is there and erases nothing. An erasure that was interrupted goes on when it is called again; a
    second one changes nothing.
    """
    with lasting(url).open() as dm:
        operations = dm.operations(operator)
        if only_preview or not is_sure:
            _show_preview(operations.preview_erasure(user, tenant=tenant), as_json=as_json)
        else:
            _show_done(operations.erase(user, tenant=tenant), as_json=as_json)


def _show_preview(found: ErasurePreview, *, as_json: bool) -> None:
    state = "open" if found.began_at_us is None else "begun"
    state = state if found.finished_at_us is None else "erased"
    facts = {"pseudonym": found.pseudonym, "state": state, **attrs.asdict(found.scope)}
    if as_json:
        print_json(facts)
        return
    print_rows(facts_table(facts), sentence("Nothing was erased; --yes does it, for good."))


def _show_done(done: Erased, *, as_json: bool) -> None:
    if as_json:
        print_json(attrs.asdict(done))
        return
    if not done.has_changed:
        print_rows(sentence(f"Erased before, as {done.pseudonym}: nothing was left to do."))
        return
    rows = {
        "erased": done.pseudonym,
        "conversations": done.conversations,
        "messages": done.messages,
        "other_rows": done.other_rows,
    }
    print_rows(facts_table(rows), sentence("Keep the ledger: `dmcore erasures export FILE`."))


@erasures.callback()
def ledger(
    ctx: typer.Context,
    *,
    url: Url = DEFAULT_URL,
    operator: Annotated[str, _OPERATOR] = DEFAULT_OPERATOR,
    as_json: AsJson = False,
) -> None:
    """Show the ledger: pseudonyms and times."""
    if ctx.invoked_subcommand is not None:
        return
    with lasting(url).open() as dm:
        lines = tuple(every(dm.operations(operator).erasures))
    if as_json:
        print_json({"erasures": [attrs.asdict(line) for line in lines]})
        return
    rows = (
        (line.tenant, line.pseudonym, _when(line.began_at), _when(line.finished_at))
        for line in lines
    )
    print_rows(listing(("tenant", "pseudonym", "began", "finished"), rows))


def _when(instant: object) -> str:
    return "under way" if instant is None else f"{instant:%Y-%m-%d %H:%M}"


@erasures.command()
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that is not there yet.")],
    *,
    url: Url = DEFAULT_URL,
    operator: Annotated[str, _OPERATOR] = DEFAULT_OPERATOR,
    as_json: AsJson = False,
) -> None:
    """Write the ledger into a file, to be kept apart from the backups of the database."""
    count = 0
    with lasting(url).open() as dm, _new_file(file) as out:
        for line in every(dm.operations(operator).export_erasures):
            out.write(f"{line}\n")
            count += 1
    if as_json:
        print_json({"lines": count})
    else:
        print_rows(sentence(f"Lines written: {count}"))


@contextmanager
def _new_file(file: Path) -> Iterator[TextIO]:
    """A file for nobody else to read, never over a ledger that is there, and never half of one."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as out:
            yield out
    except BaseException:
        file.unlink()
        raise


@erasures.command()
def reapply(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="A ledger that was kept; else the store's own."),
    ] = None,
    *,
    url: Url = DEFAULT_URL,
    operator: Annotated[str, _OPERATOR] = DEFAULT_OPERATOR,
    as_json: AsJson = False,
) -> None:
    """Erase again whoever came back with an older backup, and go on with what was interrupted."""
    with lasting(url).open() as dm, _lines_of(file) as lines:
        operations = dm.operations(operator)
        new = operations.record_erasures(lines)
        done = operations.reapply_erasures()
    if as_json:
        print_json({"new_lines": new, "erased": [attrs.asdict(it) for it in done]})
        return
    print_rows(sentence(f"Lines that the ledger did not have: {new}"))
    print_rows(sentence(f"Erased again: {len(done)}"), *(sentence(it.pseudonym) for it in done))


@contextmanager
def _lines_of(file: Path | None) -> Iterator[Iterable[str]]:
    """The lines of a ledger, each read when it is asked for; none of no file."""
    if file is None:
        yield ()
        return
    with file.open(encoding="ascii", errors="backslashreplace") as lines:
        yield lines
