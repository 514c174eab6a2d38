"""Events on their way out: a worker that delivers them, and what could not be delivered.

Owns which consumers the command line knows. Refuses to show an event: it names ids and positions.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from dmcore.adapters.relay import HostReferences, Relay, Webhook
from dmcore.cli.interrupts import signals_stop
from dmcore.cli.operate import consumer_facts, consumer_rows
from dmcore.cli.options import DEFAULT_OPERATOR, DEFAULT_URL, AsJson, Url
from dmcore.cli.render import listing, print_json, print_rows, sentence, teller
from dmcore.cli.stores import lasting, operator_of
from dmcore.domain.relaying import Begin
from dmcore.errors import InvalidSetting
from dmcore.operations import Operations
from dmcore.ports.consumers import Consumer

_WEBHOOK: Final = "webhook"
_REFERENCES: Final = "host-references"

relay = typer.Typer(
    help="Events on their way out: to a webhook of yours, or into references that your own database"
    " keeps. Each comes at least once, and in order for each user.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

Name = Annotated[str, typer.Option("--name", help="The name of the consumer.")]
Operator = Annotated[str, typer.Option("--operator", help="Who does it, for the journal.")]


@relay.command()
def run(
    *,
    webhook: Annotated[
        str | None, typer.Option("--webhook", help="Post each event to this https URL.")
    ] = None,
    secret_file: Annotated[
        Path | None,
        typer.Option("--secret-file", help="The file with the secret that signs: whsec_…."),
    ] = None,
    host_url: Annotated[
        str | None,
        typer.Option(
            "--host-url", help="Keep references to conversations in this site's database."
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="The name of the consumer; by default what it is."),
    ] = None,
    begin: Annotated[
        Begin,
        typer.Option("--begin", help="Where a consumer begins that is not there yet."),
    ] = Begin.KEPT,
    drains: Annotated[
        bool,
        typer.Option("--drain", help="End when nothing is left that is due, or it is not taken."),
    ] = False,
    url: Url = DEFAULT_URL,
    operator: Operator = DEFAULT_OPERATOR,
    as_json: AsJson = False,
) -> None:
    """Deliver events, until it is interrupted or told to terminate.

    Start as many as you like, on any machine: for each consumer one of them delivers, and another
    one takes over within a minute where it died. What it was in the middle of comes again.

    The exit status is 1 where something could not be delivered: it waits, or was set aside.
    """
    address = lasting(url)
    with address.open(host_url=host_url) as dm:
        operations = dm.operations(operator)
        with _consumer(operations, webhook, secret_file, host_url) as (consumer, default):
            found = name or default
            worker = Relay(operations, consumer, name=found)
            operations.add_consumer(found, begin=begin)
            with signals_stop() as stop:
                teller(as_json=as_json)(f"Delivering to {found}")
                done = worker.run(stop, until_idle=drains)
    if as_json:
        print_json(
            {
                "delivered": done.delivered,
                "failed": done.failed,
                "set_aside": done.set_aside,
                "is_available": done.is_open,
            }
        )
    else:
        counts = f"failed {done.failed:,}, set aside {done.set_aside:,}"
        waiting = "" if done.is_open else " Nobody takes the rest now; it waits."
        print_rows(sentence(f"Delivered {done.delivered:,}, {counts}.{waiting}"))
    if done.failed or done.set_aside or not done.is_open:
        raise typer.Exit(1)


@contextmanager
def _consumer(
    operations: Operations, webhook: str | None, secret_file: Path | None, host_url: str | None
) -> Iterator[tuple[Consumer, str]]:
    """The consumer that options name, and how it is called if nobody says. ``InvalidSetting``."""
    if webhook is not None and secret_file is not None and host_url is None:
        # The secret itself is no option: options are seen by whoever lists processes.
        secret = secret_file.read_text("ascii", "backslashreplace").strip()
        yield Webhook(webhook, secret=secret), _WEBHOOK
    elif host_url is not None and webhook is None and secret_file is None:
        with closing(HostReferences(operations, host_url)) as references:
            references.create()
            yield references, _REFERENCES
    else:
        raise InvalidSetting("relay", "needs --webhook with --secret-file, or --host-url")


@relay.command()
def status(*, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Show for each consumer how many users wait, since when, and how much is set aside."""
    with lasting(url).open() as dm:
        found = operator_of(dm).consumers()
    if as_json:
        print_json({"consumers": [consumer_facts(it) for it in found]})
        return
    print_rows(*(consumer_rows(found) or (sentence("Events leave for nobody."),)))


@relay.command()
def aside(
    *,
    name: Name,
    most: Annotated[
        int, typer.Option("--most", min=1, max=10_000, help="Show at most so many.")
    ] = 100,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Show which events a consumer could not take, and the kind of error it raised last."""
    with lasting(url).open() as dm:
        found = operator_of(dm).set_aside(name, most=most)
    facts = [
        {
            "tenant": it.owner.tenant,
            "user": it.owner.id,
            "position": it.position,
            "attempts": it.attempts,
            "error": it.error,
            "at": it.at.isoformat(),
            "is_due": it.is_due,
        }
        for it in found
    ]
    if as_json:
        print_json({"set_aside": facts})
        return
    if not facts:
        print_rows(sentence("Nothing is set aside."))
        return
    headings = ("tenant", "user", "position", "attempts", "error", "at")
    print_rows(listing(headings, ([str(fact[it]) for it in headings] for fact in facts)))


@relay.command()
def retry(
    *,
    name: Name,
    user: Annotated[
        str | None, typer.Option("--user", help="Only what was set aside of this user.")
    ] = None,
    tenant: Annotated[str, typer.Option("--tenant", help="The tenant of the user.")] = "",
    position: Annotated[
        int | None, typer.Option("--position", min=1, help="With --user: this one event only.")
    ] = None,
    url: Url = DEFAULT_URL,
    operator: Operator = DEFAULT_OPERATOR,
    as_json: AsJson = False,
) -> None:
    """Have what was set aside delivered once more, by the worker that runs."""
    with lasting(url).open() as dm:
        operations = dm.operations(operator)
        count = operations.retry(name, user=user, tenant=tenant, position=position)
    if as_json:
        print_json({"retried": count})
    else:
        print_rows(sentence(f"To be tried once more: {count:,}."))


@relay.command()
def forget(
    *,
    name: Name,
    url: Url = DEFAULT_URL,
    operator: Operator = DEFAULT_OPERATOR,
    as_json: AsJson = False,
) -> None:
    """Forget a consumer, how far it had come, and what was set aside; its worker ends."""
    with lasting(url).open() as dm:
        dm.operations(operator).forget_consumer(name)
    if as_json:
        print_json({"forgotten": name})
    else:
        print_rows(sentence(f"Forgotten: {name}."))
