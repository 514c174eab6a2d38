"""The command ``dmcore seed``: a store full of invented conversations."""

from typing import Annotated

import attrs
import typer

from dmcore.adapters.clock import ManualClock
from dmcore.adapters.ids import SeededEntropy
from dmcore.cli.fixtures import BEGIN_US, Size, plant
from dmcore.cli.operate import words
from dmcore.cli.options import DEFAULT_URL, AnyUrl, AsJson
from dmcore.cli.render import facts_table, print_json, print_rows, sentence
from dmcore.cli.stores import StoreAddress, check_empty, messaging_on, operator_of


def seed(
    *,
    number: Annotated[
        int, typer.Option("--seed", help="The same number makes the same people and messages.")
    ] = 1,
    users: Annotated[int, typer.Option("--users", help="How many people.")] = 20,
    conversations: Annotated[
        int, typer.Option("--conversations", help="How many pairs of them write to each other.")
    ] = 40,
    messages: Annotated[
        int, typer.Option("--messages", help="How many messages they write in all.")
    ] = 400,
    blocks: Annotated[
        int, typer.Option("--blocks", help="How often one blocks the other in the end.")
    ] = 4,
    url: AnyUrl = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Fill a store with invented people, conversations, messages and blocks.

    The same --seed and sizes give the same on every store: who wrote what to whom and when, what is
    unread, who blocks whom, and the ids of messages. The ids of conversations differ, because each
    store derives them from a secret of its own.

    The store is set up if it is not, and it must be empty. The real rules and limits apply; the
    clock of the script waits where a limit asks for it. Messaging is turned on meanwhile; where
    the command is killed it stays on.
    """
    address = StoreAddress(url)
    size = Size(users=users, conversations=conversations, messages=messages, blocks=blocks)
    clock = ManualClock(BEGIN_US)
    address.initialise()
    with address.open(clock=clock, entropy=SeededEntropy(number)) as dm:
        operations = operator_of(dm)
        check_empty(operations, "fixtures want a fresh one")
        with messaging_on(operations) as check:
            planted = plant(dm, clock, size=size, seed=number, check=check)
        mode = operations.mode()
    facts = {"seed": number, **attrs.asdict(planted), "location": address.place, "mode": mode}
    if as_json:
        print_json(facts)
        return
    print_rows(facts_table(attrs.asdict(planted)))
    print_rows(sentence(f"In {address.place}; messaging is {words(mode)} there."))
