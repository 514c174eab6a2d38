"""Removing what is kept no longer, from the command line. Only counts are printed."""

from datetime import timedelta
from typing import Annotated

import attrs
import typer

from dmcore.cli.interrupts import interrupts_wait
from dmcore.cli.options import DEFAULT_OPERATOR, DEFAULT_URL, AsJson, Url
from dmcore.cli.render import print_json, print_rows, sentence
from dmcore.cli.stores import lasting
from dmcore.domain.instants import LONGEST
from dmcore.domain.policy import Policy
from dmcore.domain.retention import Pruned
from dmcore.errors import InvalidSetting

_AT_ONCE = 500


def _days(name: str, what: str) -> typer.models.OptionInfo:
    found: typer.models.OptionInfo = typer.Option(
        name, min=1, max=LONGEST.days, metavar="DAYS", help=f"Remove {what} than so many days."
    )
    return found


def prune(
    *,
    messages: Annotated[int | None, _days("--messages", "messages that are not younger")] = None,
    journal: Annotated[
        int | None, _days("--journal", "what journals tell of a time not younger")
    ] = None,
    evidence: Annotated[int | None, _days("--evidence", "evidence of reports not younger")] = None,
    most: Annotated[
        int | None,
        typer.Option("--most", min=1, help="Stop after about so many of each, to go on later."),
    ] = None,
    url: Url = DEFAULT_URL,
    operator: Annotated[
        str, typer.Option("--operator", help="Who does it, for the journal.")
    ] = DEFAULT_OPERATOR,
    as_json: AsJson = False,
) -> None:
    """Remove for good what is kept no longer. What no option names is kept.

    Say what the site's policy says: --messages for `messages_kept`, --journal for `journal_kept`,
    --evidence for `evidence_kept`. It can be stopped at any time and run again; messaging goes on
    meanwhile.
    """
    if messages is None and journal is None and evidence is None:
        raise InvalidSetting("prune", "needs --messages, --journal or --evidence")
    policy = Policy(
        messages_kept=None if messages is None else timedelta(days=messages),
        journal_kept=None if journal is None else timedelta(days=journal),
        evidence_kept=LONGEST if evidence is None else timedelta(days=evidence),
    )
    done = Pruned()
    with lasting(url).open(policy=policy) as dm, interrupts_wait() as check:
        operations = dm.operations(operator)
        while not done.is_complete:
            left = _AT_ONCE if most is None else min(_AT_ONCE, most - _longest_of(done))
            if left <= 0:
                break
            done = done.then(operations.prune(most=left))
            check()
    if as_json:
        print_json(attrs.asdict(done))
        return
    print_rows(
        sentence(
            f"Removed: messages {done.messages:,}, evidence of reports {done.evidence:,},"
            f" parts of journals {done.journals:,}."
        )
    )
    if not done.is_complete:
        print_rows(sentence("There is more: run it again."))


def _longest_of(done: Pruned) -> int:
    return max(done.messages, done.evidence, done.journals)
