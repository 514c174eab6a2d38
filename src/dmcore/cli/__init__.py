"""The command line (extra ``cli``). Importing this imports nothing that the extra would bring."""

import logging
import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from dmcore.cli.failures import Interrupted, MissingExtra, told

if TYPE_CHECKING:
    from dmcore.cli.commands import app as app

__all__ = ["app", "main"]

_NEEDED: Final = ("typer", "rich", "sqlalchemy")


def main() -> int:
    """Run ``dmcore`` with the arguments of this process; return the exit status."""
    if any(find_spec(package) is None for package in _NEEDED):
        return told(MissingExtra("the command line", "cli"))
    # A connection that an interrupt catches on its way back would be told of with a traceback.
    logging.getLogger("sqlalchemy").addHandler(logging.NullHandler())
    try:
        from dmcore.cli.commands import run
        from dmcore.cli.interrupts import endings_interrupt

        with endings_interrupt():
            return run()
    except KeyboardInterrupt:
        return told(Interrupted())
    finally:
        _let_go_of_output()


def _let_go_of_output() -> None:
    """Give up what a full disk did not take, or Python tries it again on its way out."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def __getattr__(name: str) -> Any:
    if name == "app":
        from dmcore.cli.commands import app

        return app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
