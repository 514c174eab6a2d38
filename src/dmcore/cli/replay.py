"""The command ``dmcore replay``: a real record of messages through the real rules."""

from pathlib import Path
from time import perf_counter
from typing import Annotated, Final

import attrs
import typer

from dmcore.adapters.clock import ManualClock, SystemClock
from dmcore.cli.interrupts import checked
from dmcore.cli.operate import words
from dmcore.cli.options import DEFAULT_URL, AnyUrl, AsJson
from dmcore.cli.render import facts_table, print_json, print_rows, progress, sentence
from dmcore.cli.replaying import Outcome, send_all
from dmcore.cli.stores import StoreAddress, Synchronous, check_empty, messaging_on, operator_of
from dmcore.cli.trace import Survey, Trace
from dmcore.domain.policy import Policy
from dmcore.errors import InvalidSetting


def replay(
    *,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Lines of: sender receiver unix_seconds.")
    ],
    url: AnyUrl = DEFAULT_URL,
    no_message_limit: Annotated[
        bool, typer.Option("--no-message-limit", help="Without the limit of 20 messages in 60 s.")
    ] = False,
    no_start_limit: Annotated[
        bool, typer.Option("--no-start-limit", help="Without the limit of 5 conversations in 24 h.")
    ] = False,
    limit_lines: Annotated[
        int | None,
        typer.Option("--limit-lines", min=1, help="Replay only the first N attempts."),
    ] = None,
    synchronous: Annotated[
        Synchronous,
        typer.Option(
            "--synchronous",
            help="SQLite only. NORMAL is faster, and a power cut may lose the last acknowledged"
            " messages.",
        ),
    ] = "FULL",
    append: Annotated[
        bool, typer.Option("--append", help="Also into a store that holds messages already.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Send a record of messages again, at its own instants, and count what the limits do.

    Each line is one attempt: sender, receiver and Unix second, separated by spaces. Blank lines and
    lines that begin with # are skipped. The file is checked to its end before anything is written.

    The store is set up if it is not. It must be empty, so that the figures are exact; then
    messaging is turned on for the time of the replay; where the command is killed it stays on.
    """
    address = StoreAddress(url)
    if synchronous != "FULL" and not address.is_sqlite:
        raise InvalidSetting("synchronous", "is a setting of SQLite")
    trace = Trace(file=file, most=limit_lines)
    survey = trace.survey()
    normal = Policy()
    policy = Policy(
        messages=None if no_message_limit else normal.messages,
        starts=None if no_start_limit else normal.starts,
    )
    # The operator acts now, not in the time of the record.
    clock = ManualClock(SystemClock().now_us())
    address.initialise()
    with address.open(policy=policy, clock=clock, synchronous=synchronous) as dm:
        operations = operator_of(dm)
        if not append:
            check_empty(operations, "name a fresh one, or add to it with --append")
        with (
            messaging_on(operations) as check,
            progress(trace.attempts(), total=survey.lines, as_json=as_json) as attempts,
        ):
            began_s = perf_counter()
            try:
                outcome = send_all(dm, clock, checked(attempts, check))
            finally:
                elapsed_s = perf_counter() - began_s
                clock.set_us(SystemClock().now_us())
        mode = operations.mode()
    if as_json:
        facts = {
            "lines": survey.lines,
            "users": survey.users,
            "pairs": survey.pairs,
            "backward": survey.backward,
            **attrs.asdict(outcome),
            "elapsed_s": round(elapsed_s, 3),
            "messages_per_s": _per_second(outcome, elapsed_s),
            "location": address.place,
            "mode": mode,
        }
        print_json(facts)
        return
    print_rows(facts_table(_rows(survey, outcome, elapsed_s)))
    if survey.backward:
        times = "once" if survey.backward == 1 else f"{survey.backward:,} times"
        print_rows(sentence(f"Note: the record goes back in time {times}."))
    if synchronous != "FULL":
        print_rows(sentence(f"Note: {_RISK}."))
    print_rows(sentence(f"In {address.place}; messaging is {words(mode)} there."))


_RISK: Final = (
    "with --synchronous NORMAL a power cut may lose the last acknowledged messages;"
    " a killed process loses nothing"
)


def _rows(survey: Survey, outcome: Outcome, elapsed_s: float) -> dict[str, object]:
    rows: dict[str, object] = {
        "lines": survey.lines,
        "users": survey.users,
        "pairs": survey.pairs,
        "accepted": outcome.accepted,
        "refused by the message limit": outcome.refused_messages,
        "refused by the start limit": outcome.refused_starts,
    }
    if outcome.refused_recipients:
        rows["refused for a block"] = outcome.refused_recipients
    return {
        **rows,
        "conversations": outcome.conversations,
        "elapsed": f"{elapsed_s:,.1f} s",
        "messages per second": _per_second(outcome, elapsed_s),
    }


def _per_second(outcome: Outcome, elapsed_s: float) -> int:
    # A clock of low resolution may not have moved at all.
    return round(outcome.accepted / max(elapsed_s, 1e-6))
