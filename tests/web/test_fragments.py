"""The badge and the button on a host's own pages: what they say to whom, and to whom nothing."""

from datetime import timedelta
from typing import Any

import attrs
import pytest
from tests.web.browsing import Node, tree_of

from dmcore import Gate, Introduction, Mode, Policy, Profile, RateLimit
from dmcore.adapters import memory
from dmcore.adapters.clock import ManualClock
from dmcore.adapters.web import Site, Viewer
from dmcore.adapters.web._inside import Inside
from dmcore.adapters.web._values import Request
from dmcore.adapters.web._worlds import BlockingWorld, finished
from dmcore.adapters.web.pages import fragments
from dmcore.adapters.web.pages._forms import FORM
from dmcore.direct_messages import DirectMessages
from dmcore.domain.ids import User
from dmcore.errors import InvalidSetting, StoreBusy
from dmcore.ports.transactions import Call, Result

ROOT = "/messages"
ANN = Viewer(user="ann")


class Paying:
    """A directory in which only "rich" pays."""

    def introduce(self, sender: User, recipient: User) -> Introduction:
        found = {user: Profile(is_subscribed=user.id == "rich") for user in (sender, recipient)}
        return Introduction(sender=found[sender], recipient=found[recipient])


def inside_of(
    *, policy: Policy | None = None, site: Site | None = None, mode: Mode = Mode.ON
) -> tuple[Inside, DirectMessages]:
    dm = memory.open_sync(policy=policy, clock=ManualClock(), directory=Paying())
    dm.operations("operator").set_mode(mode)
    return Inside(BlockingWorld(dm), site or Site()), dm


def badge(inside: Inside, viewer: Viewer | None = ANN) -> str:
    return finished(inside.badge(viewer))


def button(inside: Inside, other: str, viewer: Viewer | None = ANN) -> str:
    return finished(inside.message_button(viewer, other, ROOT))


def shown(text: str) -> Node:
    return tree_of(text)


class Failing:
    """A store whose writers hold it for too long."""

    def run(self, _call: Call[Result], /) -> Result:
        raise StoreBusy

    def close(self) -> None:
        raise StoreBusy


def failing(inside: Inside, dm: DirectMessages) -> Inside:
    broken = attrs.evolve(dm, transactions=Failing())
    return Inside(BlockingWorld(broken), inside.site)


# The badge --------------------------------------------------------------------------------------


def test_the_badge_counts_what_is_unread_and_hides_at_nothing() -> None:
    inside, dm = inside_of()
    assert "hidden" in shown(badge(inside)).one("span", data_dm_badge=None).attributes
    thread = dm.mailbox("bob").start("ann", "one").conversation
    mark = shown(badge(inside)).one("span", data_dm_badge=None)
    assert "hidden" not in mark.attributes
    assert mark.text == "1 1 unread message"
    for number in range(99):
        dm.mailbox(f"user-{number}").start("ann", "two")
    mark = shown(badge(inside)).one("span", data_dm_badge=None)
    assert mark.text == "99+ 100 unread messages"
    assert mark.one("span", aria_hidden="true").text == "99+"
    assert "hidden" in badge(inside, Viewer(user="bob"))
    assert "hidden" in badge(inside, Viewer(user="ann", tenant="other"))
    assert dm.mailbox("ann").conversation(thread).unread == 1


def test_there_is_no_badge_for_strangers_and_none_while_messages_are_off() -> None:
    inside, dm = inside_of()
    dm.mailbox("bob").start("ann", "one")
    assert badge(inside, None) == ""
    dm.operations("operator").set_mode(Mode.OFF)
    assert badge(inside) == ""


# The button -------------------------------------------------------------------------------------


def test_the_button_is_a_form_that_names_nobody_in_its_address() -> None:
    inside, dm = inside_of()
    form = shown(button(inside, '"><script>')).one("form")
    assert form.attributes["method"] == "post"
    assert form.attributes["action"] == f"{ROOT}/open"
    assert form.one("input", name="user").attributes["value"] == '"><script>'
    assert form.one("button").text == "Message"
    assert not list(form.all("script"))
    assert dm.mailbox("ann").conversation_with('"><script>') is None


def test_a_limit_leaves_the_button_where_it_is() -> None:
    limit = RateLimit(count=1, window=timedelta(minutes=1))
    inside, dm = inside_of(policy=Policy(messages=limit))
    dm.mailbox("ann").start("bob", "one")
    assert dm.mailbox("ann").can_message("cyd").reason == "limit_reached"
    assert shown(button(inside, "cyd")).one("button").text == "Message"


@pytest.mark.promise("GATE-1")
@pytest.mark.parametrize("url", [None, "/subscribe?from=profile&x"])
def test_who_would_have_to_pay_is_shown_where_instead(url: str | None) -> None:
    policy = Policy(gates=(Gate(needs_subscription=True),))
    inside, _ = inside_of(policy=policy, site=Site(upgrade_url=url))
    tree = shown(button(inside, "bob"))
    assert not list(tree.all("form"))
    assert [link.attributes["href"] for link in tree.all("a")] == ([url] if url else [])
    assert "ubscri" in tree.text
    assert shown(button(inside, "bob", Viewer(user="rich"))).one("button").text == "Message"


def test_there_is_no_button_for_strangers_nor_beside_oneself() -> None:
    inside, _ = inside_of()
    assert button(inside, "bob", None) == ""
    assert button(inside, "ann") == ""
    assert button(inside, "no\nid") == ""


def test_a_user_whose_id_is_none_here_has_neither_badge_nor_button() -> None:
    """The host's page goes on."""
    inside, _ = inside_of()
    odd = Viewer(user="no\nid")
    assert (badge(inside, odd), button(inside, "bob", odd)) == ("", "")


@pytest.mark.promise("BLOCK-2")
def test_whatever_else_stands_in_the_way_is_not_told_apart() -> None:
    inside, dm = inside_of()
    dm.mailbox("bob").block("ann")
    refused = button(inside, "bob")
    assert shown(refused).text == "Messages are not available"
    assert not list(shown(refused).all("form"))
    for mode in (Mode.READ_ONLY, Mode.OFF):
        dm.operations("operator").set_mode(mode)
        assert button(inside, "dan") == refused


@pytest.mark.promise("BLOCK-2")
def test_to_what_was_written_the_button_leads_whatever_stands_in_the_way_of_more() -> None:
    inside, dm = inside_of()
    dm.mailbox("ann").start("bob", "hello")
    dm.mailbox("bob").block("ann")
    dm.mailbox("dan").block("ann")
    assert shown(button(inside, "bob")).one("button").text == "Message"
    assert not list(shown(button(inside, "dan")).all("button"))
    dm.operations("operator").set_mode(Mode.READ_ONLY)
    assert shown(button(inside, "bob")).one("button").text == "Message"
    dm.operations("operator").set_mode(Mode.OFF)
    assert shown(button(inside, "bob")).text == "Messages are not available"


def test_whom_one_blocks_oneself_can_be_unblocked_behind_the_button() -> None:
    inside, dm = inside_of()
    dm.mailbox("ann").block("cyd")
    assert shown(button(inside, "cyd")).one("button").text == "Message"


def test_a_page_of_the_host_links_the_files_once() -> None:
    head = shown(fragments.head(ROOT))
    assert head.one("link").attributes["rel"] == "stylesheet"
    assert head.one("script").attributes["type"] == "module"
    assert head.one("script").attributes["src"].startswith(f"{ROOT}/static/dmcore.js?v=")


def test_a_store_that_fails_takes_no_page_of_the_host_with_it() -> None:
    broken = failing(*inside_of())
    assert badge(broken) == ""
    assert shown(button(broken, "bob")).text == "Messages are not available"


@pytest.mark.promise("MSG-3")
def test_a_store_that_fails_takes_no_text_with_it() -> None:
    inside, dm = inside_of()
    thread = dm.mailbox("bob").start("ann", "hello").conversation
    form = Request(
        method="POST",
        root=ROOT,
        path=f"/t/{thread}",
        headers={"sec-fetch-site": "same-origin", "content-type": FORM},
        body=b"body=precious&key=k",
        viewer=ANN,
    )
    refused = finished(failing(inside, dm).answer(form))
    tree = shown(refused.body.decode())
    assert refused.status == 503
    assert tree.one("textarea").text == "precious"
    assert tree.one("input", name="key").attributes["value"] == "k"
    assert tree.one(role="alert").text.startswith("Messages are very busy")
    assert finished(inside.answer(form)).status == 303
    assert finished(inside.answer(form)).status == 303
    assert len(dm.mailbox("ann").thread(thread).items) == 2


def test_an_id_that_is_no_text_is_told() -> None:
    """A button that is not there would look as if one might not write to them."""
    inside, _ = inside_of()
    user: Any = 42
    with pytest.raises(InvalidSetting, match="as text"):
        button(inside, user)
