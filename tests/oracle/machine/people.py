"""Who acts in the machine, by which rules, and what has to be drawn for each act."""

from typing import Any, Final, NamedTuple
from uuid import UUID

from hypothesis import strategies as st
from tests.oracle.history import (
    ACCEPTED,
    ARCHIVED,
    CLEARED,
    DECLINED,
    MUTE,
    MUTED,
    OFF,
    ON,
    READ_ONLY,
    REPLIES_ONLY,
    SHADOW_BAN,
    SUSPEND,
    UNARCHIVED,
    UNMUTED,
    Choice,
    Gate,
    Host,
    Limit,
    Person,
    Product,
    Profile,
)

from dmcore.testing.world import DAY_US, MINUTE_US, SECOND_US

ANN, BOB, ZOE, DAN = (Person("", name) for name in ("ann", "Bob", "\U0001f600zoe", "dan"))
NORTHERN_ANN, NORTHERN_BOB = Person("north", "ann"), Person("north", "Bob")
OLGA = Person("the office", "olga")
PEOPLE: Final = (ANN, BOB, ZOE, DAN, NORTHERN_ANN, NORTHERN_BOB)
PAIRS: Final = tuple(
    (one, other)
    for one in PEOPLE
    for other in PEOPLE
    if one != other and one.tenant == other.tenant
)
MODERATORS: Final = {tenant: Person(tenant, "mod") for tenant in ("", "north")}
NOWHERE: Final = UUID("0b5e7d3c-7c31-8f0e-9d6a-3f2b1c0d9e8f")

PROFILES: Final = {
    ANN: Profile(role="agent", is_subscribed=True),
    BOB: Profile(),
    ZOE: Profile(role="agent"),
    DAN: Profile(is_staff=True),
    NORTHERN_ANN: Profile(is_subscribed=True),
    NORTHERN_BOB: Profile(is_active=False),
}
CONNECTIONS: Final = (frozenset((ANN, BOB)), frozenset((BOB, ZOE)))
OPEN_HOST: Final = Host(profiles=PROFILES, connections=CONNECTIONS)
GATED_HOST: Final = Host(
    profiles=PROFILES,
    connections=CONNECTIONS,
    gates=(Gate(sender_role="agent", needs_subscription=True), Gate(needs_connection=True)),
)

flags = st.booleans()
people = st.sampled_from(PEOPLE)
pairs = st.sampled_from(PAIRS)
texts = st.sampled_from(("hi", "ho", "e\u0301\r\n", "\ufeff\U0001f468\u200d\U0001f469 "))
keys = st.sampled_from((None, None, "k", "K"))
numbers = st.integers(0, 60)
sizes = st.integers(1, 3)
sortings = st.sampled_from((CLEARED, MUTED, UNMUTED, ARCHIVED, UNARCHIVED, ACCEPTED, DECLINED))
moments_us = st.sampled_from(
    (0, 1, 400, 999, 1000, SECOND_US, 30 * SECOND_US, MINUTE_US, DAY_US // 24, DAY_US)
)
jumps_us = st.sampled_from((-1, -1000, -59 * SECOND_US, -MINUTE_US, -DAY_US, -400 * DAY_US))
restrictions = st.sampled_from((MUTE, SUSPEND, SHADOW_BAN, SHADOW_BAN))
terms_us = st.sampled_from((None, 1, 30 * SECOND_US, MINUTE_US, DAY_US))
choices = st.builds(
    Choice,
    open_to=st.sampled_from(("everyone", "everyone", "connections", "nobody")),
    receipts=st.sampled_from((True, True, False)),
    typing=flags,
    presence=flags,
)
products = st.builds(
    Product,
    messages=st.sampled_from((None, None, Limit(3, MINUTE_US))),
    starts=st.sampled_from((None, None, Limit(1, DAY_US), Limit(2, DAY_US))),
    absorbs=flags,
    edit_window_us=st.sampled_from((None, None, 15 * MINUTE_US, MINUTE_US, 0)),
    asks=flags,
    request_messages=st.sampled_from((1, 2, 2)),
    host=st.sampled_from((None, None, OPEN_HOST, GATED_HOST)),
    kept_us=st.sampled_from((None, None, MINUTE_US, DAY_US)),
)

# What can happen, how often in comparison, and what has to be drawn for it.
ACTS: Final[dict[str, tuple[int, dict[str, st.SearchStrategy[Any]]]]] = {
    "write": (5, {"pair": pairs, "text": texts, "key": keys, "by_id": flags}),
    "converse": (3, {"pair": pairs, "turns": st.lists(flags, min_size=2, max_size=4)}),
    "answer": (5, {"number": numbers, "text": texts, "key": keys, "is_recipient": flags}),
    "retry": (2, {"number": numbers, "text": texts, "by_id": flags}),
    "write_to_one_who_blocks": (
        4,
        {"pair": pairs, "text": texts, "lifts": flags, "answers": flags},
    ),
    "write_to_everybody": (1, {"pair": pairs}),
    "mark_read": (1, {"pair": pairs, "number": numbers}),
    "mark_read_one_that_is_theirs": (5, {"number": numbers, "is_recipient": flags}),
    "edit": (4, {"number": numbers, "text": texts, "is_recipient": flags}),
    "edit_while_blocked": (2, {"number": numbers, "text": texts, "lifts": flags}),
    "delete": (2, {"number": numbers, "is_recipient": flags}),
    "hide": (3, {"number": numbers, "is_recipient": flags}),
    "sort": (1, {"pair": pairs, "what": sortings}),
    "sort_one_that_is_theirs": (6, {"number": numbers, "is_recipient": flags, "what": sortings}),
    "put_away": (2, {"number": numbers, "mutes": flags}),
    "decline": (4, {"number": numbers, "accepts": flags}),
    "choose": (2, {"person": people, "choice": choices}),
    "block_or_unblock": (2, {"pair": pairs, "is_noop": flags}),
    "lift_a_block": (2, {"number": numbers}),
    "restrict": (2, {"person": people, "kind": restrictions, "for_us": terms_us}),
    "lift_a_restriction": (3, {"number": numbers}),
    "do_while_hidden": (
        4,
        {"pair": pairs, "text": texts, "number": numbers, "lifts": flags, "answers": flags},
    ),
    "prune": (2, {"most": sizes}),
    "turn": (1, {"mode": st.sampled_from((OFF, READ_ONLY, REPLIES_ONLY, ON))}),
    "intrude": (1, {"sender": people, "pair": st.none() | pairs, "key": keys, "number": numbers}),
    "misuse": (1, {"pair": pairs, "number": numbers}),
    "move_the_clock": (3, {"us": st.one_of(moments_us, moments_us, jumps_us)}),
    "go_to_the_edge_of_a_window": (
        2,
        {"person": people, "number": numbers, "off_us": st.sampled_from((-1, 0, 1))},
    ),
    "keep_a_cursor": (
        2,
        {
            "pair": pairs,
            "size": sizes,
            "which": st.sampled_from(
                ("inbox", "requests", "archived", "blocked", "before", "after")
            ),
        },
    ),
    "continue_from_a_cursor": (2, {"number": numbers, "size": sizes}),
}


class Act(NamedTuple):
    """The name of a method of the machine, and its arguments."""

    name: str
    how: dict[str, Any]


def drawn(name: str) -> st.SearchStrategy[Act]:
    return st.builds(Act, st.just(name), st.fixed_dictionaries(ACTS[name][1]))


acts = st.sampled_from([name for name, (weight, _) in ACTS.items() for _ in range(weight)]).flatmap(
    drawn
)


def between(one: Person, other: Person) -> tuple[str, ...]:
    """How a conversation is called on every store, whatever its id."""
    return (one.tenant, *sorted((one.name, other.name)))
