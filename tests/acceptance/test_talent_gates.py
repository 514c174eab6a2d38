"""Talent: who may write to whom first. Every role and every state of a subscription, both sides.

The table is written by hand, and not made of the rules that it holds the site to.
"""

from collections.abc import Callable

import pytest
from tests.acceptance.marketplace import SUBSCRIPTIONS, Marketplace, Member
from tests.web.browsing import fields_of

ROLES = ("talent", "professional", "company", "admin", "none")

# One may write (yes), would have to subscribe (pay), or may not (no).
TABLE = """
                            to: talent  professional  company  admin  none
    talent        active        no      no            no       no     no
    talent        inactive      no      no            no       no     no
    talent        expired       no      no            no       no     no
    professional  active        yes     no            no       no     no
    professional  inactive      pay     no            no       no     no
    professional  expired       pay     no            no       no     no
    company       active        yes     no            no       no     no
    company       inactive      pay     no            no       no     no
    company       expired       pay     no            no       no     no
    admin         active        yes     yes           yes      yes    yes
    admin         inactive      yes     yes           yes      yes    yes
    admin         expired       yes     yes           yes      yes    yes
    none          active        no      no            no       no     no
    none          inactive      no      no            no       no     no
    none          expired       no      no            no       no     no
"""
CASES = [
    (sender, subscription, recipient, said)
    for sender, subscription, *row in (line.split() for line in TABLE.split("\n")[2:-1])
    for recipient, said in zip(ROLES, row, strict=True)
]
BUTTON = {
    "yes": "Message",
    "pay": "Subscribe to send messages",
    "no": "Messages are not available",
}
REASON = {"yes": None, "pay": "upgrade_required", "no": "start_refused"}
STATUS = {"yes": 200, "pay": 402, "no": 403}

Find = Callable[[str, str, str], Member]


@pytest.fixture(scope="module")
def find(marketplace: Marketplace) -> Find:
    """One member of each kind on each side; nobody writes from one side to the same side."""
    found: dict[tuple[str, str, str], Member] = {}

    def find(side: str, role: str, subscription: str) -> Member:
        kind = (side, role, subscription)
        if kind not in found:
            found[kind] = marketplace.join(role, subscription)
        return found[kind]

    return find


def test_the_table_has_every_role_and_every_subscription_on_both_sides() -> None:
    expected = {(s, paid, r) for s in ROLES for paid in SUBSCRIPTIONS for r in ROLES}
    assert {case[:3] for case in CASES} == expected
    assert len(CASES) == len(expected) == 75


@pytest.mark.parametrize(("role", "subscription", "other", "said"), CASES)
def test_the_button_the_forecast_and_the_attempt_say_what_the_table_says(
    find: Find, role: str, subscription: str, other: str, said: str
) -> None:
    sender = find("sender", role, subscription)
    recipient = find("recipient", other, "inactive")
    shown = sender.get(recipient.profile()).tree.one("header").text
    assert shown.endswith(BUTTON[said])
    forecast = sender.asked(f"/users/{recipient.id}/can-message")
    assert (forecast["is_allowed"], forecast["reason"]) == (said == "yes", REASON[said])
    attempt = sender.write(recipient, "Hello")
    assert attempt.status == STATUS[said]
    names = sender.get("/messages/").names
    assert (recipient.name in names) is (said == "yes")
    assert (sender.name in recipient.get("/messages/").text) is (said == "yes")


@pytest.mark.parametrize("subscription", SUBSCRIPTIONS)
def test_the_subscription_of_whom_one_writes_to_does_not_matter(
    marketplace: Marketplace, subscription: str
) -> None:
    company = marketplace.join("company", "active")
    assert company.write(marketplace.join("talent", subscription), "Hello").status == 200
    assert company.write(marketplace.join("company", subscription), "Hello").status == 403


def test_the_prompt_leads_to_a_subscription_and_that_to_the_button(
    marketplace: Marketplace,
) -> None:
    company, talent = marketplace.join("company"), marketplace.join("talent")
    page = company.window.follow(company.get(talent.profile()), "Subscribe to send messages")
    assert page.path == "/subscription"
    company.window.press(page, "Subscribe for a month")
    assert company.window.press(company.open(talent), "Send", body="Hello").bodies == ["Hello"]


@pytest.mark.parametrize("role", ["talent", "none"])
def test_whom_a_subscription_gives_nothing_is_sold_none(
    marketplace: Marketplace, role: str
) -> None:
    member, company = marketplace.join(role), marketplace.join("company")
    for somebody, is_sold in ((member, False), (company, True)):
        leads_there = "Your subscription" in somebody.get(somebody.profile()).text
        page = somebody.get("/subscription")
        assert (leads_there, "Subscribe for a month" in page.buttons) == (is_sold, is_sold)
    form = fields_of(next(member.get("/account").tree.all("form", method="post")))
    sent = member.window.post("/subscription", {name: value or "" for name, value in form.items()})
    assert (sent.status, sent.path) == (200, "/subscription")
    assert "would change nothing" in sent.text


@pytest.mark.parametrize("role", ["professional", "company", "admin"])
def test_talent_replies_to_whoever_wrote_and_both_go_on_whatever_changes(
    marketplace: Marketplace, role: str
) -> None:
    sender, talent = marketplace.join(role, "active"), marketplace.join("talent")
    thread = sender.write(talent, "1")
    assert talent.write(sender, "2").bodies == ["1", "2"]
    sender.unsubscribe()
    assert sender.window.press(sender.get(thread.path), "Send", body="3").status == 200
    marketplace.change("UPDATE talent_member SET role = '', is_staff = 0 WHERE id = ?", sender.id)
    marketplace.change("UPDATE talent_member SET role = 'company' WHERE id = ?", talent.id)
    assert talent.window.press(talent.get(thread.path), "Send", body="4").status == 200
    for one, other in ((sender, talent), (talent, sender)):
        assert "Message" in one.get(other.profile()).buttons
        assert one.open(other).bodies == ["1", "2", "3", "4"]
    assert sender.write(marketplace.join("talent"), "Hello").status == 403
