"""What every store has to show, in the terms of ``Store``."""

from typing import Any, cast
from uuid import UUID

from tests.oracle.history import MUTE, SUSPEND, Person, Restricted, Wrote
from tests.oracle.machine.people import PAIRS, between
from tests.oracle.machine.store import Answer, Shown
from tests.oracle.oracle import Oracle
from tests.oracle.oracle_limits import Accepted, Refusal, Uncertain
from tests.oracle.oracle_views import Seen, View

from dmcore import errors


def told(message: Seen) -> tuple[Any, ...]:
    names = between(message.actor, message.other)
    return (
        message.id,
        names,
        message.actor.name,
        message.text,
        message.at_us,
        message.edited_at_us,
        message.reply_to,
        message.thread_id,
        message.seen_at_us,
    )


def answered(oracle: Oracle, message: Wrote) -> tuple[Any, ...]:
    """What its sender is answered: the message as it is now, receipts apart."""
    return told(oracle.seen(message.actor, message, with_receipt=False))


def lines(oracle: Oracle, person: Person, folder: str) -> list[Any]:
    return [line(view) for view in oracle.listed(person, folder)]


def line(view: View) -> tuple[Any, ...]:
    assert view.newest is not None
    return view.other, told(view.newest), view.read, view.unread, view.is_muted


def thread(oracle: Oracle, person: Person, other: Person, root: UUID | None = None) -> Answer:
    if root is None:
        seen = oracle.thread(person, other)
    else:
        seen = oracle.chain(person, other, root)
    if seen is None:
        return Refusal(error=errors.AccessDenied)
    return other.name, oracle.marker(person, other), [told(message) for message in seen]


def view_of(oracle: Oracle, person: Person, other: Person) -> Answer:
    view = oracle.view(person, other)
    if view is None:
        return None
    fields = dict(vars(view))
    fields["newest"] = view.newest.id if view.newest is not None else None
    return fields | {"conversation": between(person, other)}


def blocks(oracle: Oracle, person: Person) -> list[Any]:
    return [(it.other.name, it.at_us) for it in oracle.block_list(person)]


def told_of(oracle: Oracle, person: Person, kind: str) -> tuple[bool, int | None]:
    """Whether something is taken from them, and until when; of nothing that ended."""
    word = oracle.word_on(person, kind)
    if not isinstance(word, Restricted) or not oracle.is_restricted(person, kind):
        return False, None
    return True, word.until_us


def export(oracle: Oracle, person: Person) -> list[Any]:
    """All that they see, in every mode."""
    taken = (told_of(oracle, person, kind) for kind in (MUTE, SUSPEND))
    exported: list[Any] = [(oracle.choice(person), *taken), *blocks(oracle, person)]
    for one, other in sorted(PAIRS, key=lambda pair: pair[1].name):
        seen = oracle.thread(person, other) if one == person else None
        if seen is not None:
            exported += [view_of(oracle, person, other), *map(told, seen)]
    return exported


def permission(oracle: Oracle, person: Person, other: Person, now_us: int) -> Answer:
    """As an attempt would be answered; ``Uncertain`` where a clock went back."""
    verdict = oracle.judge_writing(person, other, text="", key=None, now_us=now_us, by_id=False)
    if isinstance(verdict, Refusal):
        return False, verdict.error.code, verdict.retry_after_us
    return (True, None, None) if isinstance(verdict, Accepted) else verdict


def shown_to(oracle: Oracle, person: Person, now_us: int, *, polled: int) -> Shown:
    """Everything that one person can see, who has polled past so many facts."""
    shown: Shown = {
        "feed": oracle.feed(person),
        "news": oracle.feed(person, after=polled),
        "inbox": lines(oracle, person, "inbox"),
        "requests": lines(oracle, person, "requests"),
        "archived": lines(oracle, person, "archived"),
        "unread": oracle.unread(person),
        "blocks": blocks(oracle, person),
        "preferences": oracle.choice(person),
    }
    for one, other in PAIRS:
        if one == person:
            shown[f"thread with {other.name}"] = thread(oracle, person, other)
            shown[f"conversation with {other.name}"] = view_of(oracle, person, other)
    shown = _unless_closed(oracle, person, shown)
    for one, other in PAIRS:
        if one == person:
            shown[f"permission for {other.name}"] = permission(oracle, person, other, now_us)
    return shown


def shown_closely_to(oracle: Oracle, person: Person, roots: list[tuple[Person, UUID]]) -> Shown:
    """The same in other ways."""
    inbox = lines(oracle, person, "inbox")
    shown: Shown = {"snapshot": (oracle.unread(person), oracle.choice(person), inbox)}
    always: Shown = {"journal": oracle.facts(person), "export": export(oracle, person)}
    for one, other in PAIRS:
        if one == person:
            view = view_of(oracle, person, other)
            denied = Refusal(error=errors.AccessDenied)
            shown[f"the one with {other.name}"] = denied if view is None else view
            always[f"profile of {other.name}"] = oracle.can_see_profile(person, other)
    for other, root in roots:
        shown[f"thread of {root} with {other.name}"] = thread(oracle, person, other, root)
    return {**always, **_unless_closed(oracle, person, shown)}


def _unless_closed(oracle: Oracle, person: Person, shown: Shown) -> Shown:
    """The switch closes everything, a moderator all but what protects."""
    answers = {}
    for name, answer in shown.items():
        is_open = name in {"blocks", "preferences"}
        looking = oracle.judge_protecting() if is_open else oracle.judge_reading(person)
        answers[name] = looking if isinstance(looking, Refusal) else answer
    return answers


def check(store: str, found: Shown, must_show: Shown) -> None:
    """A store shows what it must, within the bounds of what a clock that went back leaves open."""
    assert found.keys() == must_show.keys()
    for name, answer in must_show.items():
        if isinstance(answer, Uncertain):
            is_allowed, reason, wait_us = cast("tuple[bool, str | None, int | None]", found[name])
            assert is_allowed or 0 < (wait_us or 0) <= answer.longest_us, (store, name)
            assert reason == (None if is_allowed else "limit_reached"), (store, name)
            assert not (is_allowed and answer.must_refuse), (store, name)
        else:
            assert found[name] == answer, (store, name, found[name], answer)
