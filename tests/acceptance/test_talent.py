"""Talent: what a marketplace wants of messages, at its Django host.

`test_talent_gates.py` has who may write to whom, `test_talent_browser.py` looks at the same.
"""

import json
import sqlite3
from contextlib import closing

import pytest
from tests.acceptance.marketplace import Marketplace, Member
from tests.acceptance.windows import HttpWindow

SECRET = "the zebra sleeps in the blue shed"


@pytest.fixture
def company(marketplace: Marketplace) -> Member:
    """A company that pays."""
    return marketplace.join("company", "active")


@pytest.fixture
def talent(marketplace: Marketplace) -> Member:
    """Somebody to write to."""
    return marketplace.join("talent")


def test_a_conversation_that_exists_is_gone_on_with(company: Member, talent: Member) -> None:
    compose = company.open(talent)
    assert "You have not written to each other yet." in compose.text
    thread = company.window.press(compose, "Send", body="1").path.partition("#")[0]
    assert company.write(talent, "2").path.partition("#")[0] == thread
    assert talent.write(company, "3").path.partition("#")[0] == thread
    for one, other in ((company, talent), (talent, company)):
        assert one.open(other).path.partition("#")[0] == thread
        assert one.get("/messages/").names == [other.name]


def test_the_inbox_is_newest_first_and_counts_what_was_not_read(
    marketplace: Marketplace, talent: Member
) -> None:
    companies = [marketplace.join("company", "active") for _ in range(3)]
    for company in companies:
        company.write(talent, "Hello")
    newest_first = [company.name for company in reversed(companies)]
    assert talent.get("/messages/").names == newest_first
    companies[0].write(talent, "And another thing")
    listed = talent.get("/messages/")
    assert listed.names == [companies[0].name, *newest_first[:2]]
    counts = [
        entry.classed("dm-count")[0].text for entry in listed.tree.all("li", data_dm_entry=None)
    ]
    assert [count.partition(" ")[0] for count in counts] == ["2", "1", "1"]
    assert "And another thing" in listed.text
    badge = next(talent.get("/").tree.all(data_dm_badge=None))
    assert badge.text.startswith("4")
    assert talent.unread() == 4


def test_a_thread_is_oldest_first(company: Member, talent: Member) -> None:
    for number in range(3):
        company.write(talent, f"c{number}")
        talent.write(company, f"t{number}")
    for one, other in ((company, talent), (talent, company)):
        assert one.open(other).bodies == ["c0", "t0", "c1", "t1", "c2", "t2"]


def test_to_look_marks_nothing_and_to_read_marks_what_was_there(
    company: Member, talent: Member
) -> None:
    """Where a script runs it does so by itself: `test_talent_browser.py`."""
    company.write(talent, "1")
    page = talent.open(company)
    assert talent.unread() == 1
    company.write(talent, "2")
    talent.window.press(page, "Mark as read")  # of a page that was there before the second
    assert talent.unread() == 1
    thread = page.path.partition("#")[0]
    for fields in ({}, {"through": ""}, {"through": "nonsense"}):
        assert 400 <= talent.window.post(f"{thread}/read", fields).status < 500
    assert talent.unread() == 1
    talent.window.press(talent.get(thread), "Mark as read")
    assert talent.unread() == 0


def test_a_conversation_without_messages_can_be_opened_and_marked(
    company: Member, talent: Member
) -> None:
    thread = company.write(talent, "1").path.partition("#")[0]
    emptied = talent.window.press(talent.get(thread), "Clear it for me")
    assert emptied.bodies == []
    assert talent.get(thread).status == 200
    assert "Mark as read" not in talent.get(thread).buttons
    assert talent.unread() == 0
    company.write(talent, "2")
    assert talent.get(thread).bodies == ["2"]
    assert talent.unread() == 1


@pytest.mark.parametrize("role", ["talent", "company", "admin"])
def test_nobody_writes_to_themselves(marketplace: Marketplace, role: str) -> None:
    member = marketplace.join(role, "active")
    page = member.get(member.profile())
    assert "Message" not in page.buttons
    assert "dm-unavailable" not in page.answer.text
    refused = member.write(member, "Hello me")
    assert refused.status == 422
    assert "You cannot write to yourself." in refused.text
    assert member.get("/messages/").names == []


@pytest.mark.parametrize("nobody", ["999999", "9" * 40, "0" * 18 + "1", "1.5", "ines", "-1", "١"])
def test_who_is_not_there_is_nobody_however_they_are_called(company: Member, nobody: str) -> None:
    refused = company.write(Member(company.window, nobody, ""), "Hello?")
    assert refused.status == 404
    assert "There is no such person." in refused.text
    assert company.get("/messages/").names == []


def test_a_very_long_text_arrives_whole_or_not_at_all(company: Member, talent: Member) -> None:
    longest = "Ωmega " * 666 + "ends"
    assert len(longest) == 4000
    page = company.write(talent, longest)
    assert page.bodies == [longest]
    (entry,) = talent.asked("/threads")["items"]
    assert len(talent.get("/messages/").answer.text) < 8 * len(longest)
    assert talent.get(f"/messages/t/{entry['id']}").bodies == [longest]
    refused = company.window.press(page, "Send", body=f"{longest}!")
    assert refused.status == 422
    assert refused.typed == f"{longest}!"
    assert talent.get(f"/messages/t/{entry['id']}").bodies == [longest]


def test_of_a_deleted_account_the_others_keep_their_own_messages(
    marketplace: Marketplace, company: Member, talent: Member
) -> None:
    thread = company.write(talent, "Are you free?").path.partition("#")[0]
    talent.write(company, SECRET)
    talent.window.press(talent.get("/account"), "Delete it for good")
    assert talent.window.ask("GET", "/messages/").status == 401
    assert company.get(talent.profile()).status == 404
    listed = company.get("/messages/")
    assert listed.names == ["Deleted account"]
    page = company.get(thread)
    assert page.status == 200
    assert page.bodies == ["Are you free?", "This message was deleted"]
    assert "Send" not in page.buttons
    refused = company.window.post(thread, {"body": "Hello?", "key": "late"})
    assert refused.status == 403
    assert company.write(talent, "Hello?").status == 404
    for each in (listed, page, refused):
        assert talent.name not in each.text
        assert "zebra" not in each.answer.text
    with closing(sqlite3.connect(marketplace.served.folder / "messages.db")) as database:
        assert "zebra" not in "".join(database.iterdump())


def test_what_was_to_go_with_an_account_goes_even_if_it_was_interrupted(
    marketplace: Marketplace, company: Member, talent: Member
) -> None:
    company.write(talent, "Are you free?")
    thread = talent.write(company, SECRET).path.partition("#")[0]
    # As it stands where the site stopped right after the deletion.
    marketplace.change("INSERT INTO talent_departure (member) VALUES (?)", talent.id)
    marketplace.change("DELETE FROM talent_member WHERE id = ?", talent.id)
    assert company.get(thread).status == 200
    another = marketplace.join("talent")
    another.window.press(another.get("/account"), "Delete it for good")
    assert company.get(thread).bodies == ["Are you free?", "This message was deleted"]


def test_an_account_that_was_closed_can_be_written_to_no_more(
    marketplace: Marketplace, company: Member, talent: Member
) -> None:
    stranger = marketplace.join("company", "active")
    thread = company.write(talent, "Are you free?")
    marketplace.change("UPDATE talent_member SET is_active = 0 WHERE id = ?", talent.id)
    assert stranger.get(talent.profile()).status == 404
    assert stranger.write(talent, "Hello").status == 403
    assert company.get(thread.path).status == 200
    assert company.get("/messages/").names == ["Deleted account"]
    assert talent.window.ask("GET", "/messages/").status == 401


def test_a_third_and_a_stranger_see_nothing(
    marketplace: Marketplace, company: Member, talent: Member
) -> None:
    thread = company.write(talent, SECRET).path.partition("#")[0]
    third, admin = marketplace.join("company", "active"), marketplace.join("admin")
    for member in (third, admin):
        refused = member.get(thread)
        assert refused.status == 403
        assert "zebra" not in refused.answer.text
    stranger = HttpWindow(marketplace.served.address)
    assert stranger.ask("GET", thread).status == 401
    assert stranger.get("/subscription").path.startswith("/sign-in")
    assert "Sign in to write" in stranger.get(talent.profile()).text
    assert json.loads(stranger.ask("GET", "/messages/api/threads").text)["code"] == "not_signed_in"


def test_where_there_is_nobody_a_page_of_the_site_leads_back(
    marketplace: Marketplace, talent: Member
) -> None:
    page = talent.get("/members/99999999999999999999999")
    assert page.status == 404
    assert talent.window.follow(page, "Back to the people").status == 200
    admin = marketplace.join("admin")
    assert admin.window.follow(admin.get("/"), "Operations").status == 200
    assert "Operations" not in talent.get("/").text
