"""The command ``dmcore``: its commands, and the one place where a failure becomes a line."""

import io
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from dmcore.cli import backup, erase, failures, operate, prune
from dmcore.cli.demo import demo
from dmcore.cli.import_ import import_
from dmcore.cli.keyrings import name_keys
from dmcore.cli.keys import keys
from dmcore.cli.relay import relay
from dmcore.cli.replay import replay
from dmcore.cli.reports import reports
from dmcore.cli.seed import seed
from dmcore.errors import DmcoreError


class OneLineForEachFailure(TyperGroup):
    """The group of all commands. Whatever goes wrong inside is told in one line on stderr."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run, and leave with the exit status: 0, 1 for findings, 2 for bad input, 130."""
        try:
            status = super().main(
                args, prog_name, complete_var, False, windows_expand_args, **extra
            )
        except DmcoreError as error:
            status = failures.told(error)
        except typer.TyperException as error:
            status = failures.BAD_INPUT
            failures.tell(failures.usage(error.format_message()), "usage")
        except OSError as error:
            status = failures.BAD_INPUT
            failures.tell(failures.system_failure(error), "system")
        except Exception as error:  # noqa: BLE001 - a traceback may show what nobody should read
            status = failures.BAD_INPUT
            failures.tell(failures.unexpected(error), "unexpected")
        if standalone_mode:
            sys.exit(status)
        return status

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise failures.Interrupted from None


app = typer.Typer(
    cls=OneLineForEachFailure,
    add_completion=False,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    # It joins the lines of a paragraph, as a reader of the source does.
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dmcore {version('dmcore')}")
        raise typer.Exit


@app.callback()
def dmcore(
    ctx: typer.Context,
    *,
    keyring: Annotated[
        str | None,
        typer.Option(
            "--keyring",
            envvar="DMCORE_KEYRING",
            help="Where texts are encrypted: their keyring, sqlite:///FILE or postgresql://….",
        ),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            "--key-file", envvar="DMCORE_KEY_FILE", help="The file with the keyring's master key."
        ),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_show_version, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Private messages between two people, on a store of your own.

    Every command takes --json. What goes wrong is told in one line on stderr, with a code at its
    end, and the exit status is 2. No command shows the text of a message; the demo shows those of
    its own people.
    """
    name_keys(keyring, key_file)
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


for command in (
    *(operate.init, operate.upgrade, operate.mode, operate.status),
    *(demo, seed, replay, operate.verify, erase.erase, prune.prune),
    *(backup.backup, backup.restore),
):
    app.command()(command)
app.command("import")(import_)
app.add_typer(keys, name="keys")
app.add_typer(erase.erasures, name="erasures")
app.add_typer(relay, name="relay")
app.add_typer(reports, name="reports")


def run() -> int:
    """Run with the arguments of this process; return the exit status."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal without Unicode shows a question mark rather than ending the command.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    return app(standalone_mode=False) or 0
