"""A thread of any length is read in a page of bounded size, in the right order, both ways."""

from uuid import UUID

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import Meet
from tests.browser.people import Person
from tests.browser.site import LiveSite

from dmcore.adapters.sql._schema import message
from dmcore.domain.body import Body

COUNT = 100_000
BOUND = 300

_SCROLL = """
(list, isUp) => {
  const box = list.closest(".dm-scroll");
  box.scrollTop = isUp ? 0 : box.scrollHeight;
}
"""


def seeded(site: LiveSite, count: int) -> UUID:
    """Ada and Ben have written so many messages, in turn."""
    with site.at_once() as dm:
        writers = dm.mailbox("ada"), dm.mailbox("ben")
        conversation = writers[0].start("ben", "Message 0").conversation
        for number in range(1, count):
            writers[number % 2].send(conversation, f"Message {number}")
    return conversation


def grown(site: LiveSite, count: int) -> UUID:
    """Ada has written so many messages to Ben, most of them years ago: put straight into the table,
    between two that went the way of all messages.
    """
    ada = site.dm.mailbox("ada")
    first = ada.start("ben", "Message 0")
    days_us = 86_400_000_000
    row = {
        **{column.name: None for column in message.columns},
        **dict.fromkeys(
            ("sender_only", "hidden_by_sender", "hidden_by_recipient", "is_sealed"), False
        ),
        "conversation_id": first.conversation,
        "sender": "ada",
    }
    with site.connected() as connection:
        connection.execute(
            message.insert(),
            [
                {
                    **row,
                    "id": UUID(int=first.id.int + number),
                    "body": Body(f"Message {number}"),
                    "sent_at_us": first.sent_at_us - (count - number) * days_us // 100,
                }
                for number in range(1, count - 1)
            ],
        )
    ada.send(first.conversation, f"Message {count - 1}")
    return first.conversation


def numbers(person: Person) -> list[int]:
    return [int(text.removeprefix("Message ")) for text in person.texts.all_text_contents()]


def scroll(reader: Person, *, up: bool) -> None:
    reader.page.locator("[data-dm-messages]").evaluate(_SCROLL, up)


def test_a_long_thread_is_scrolled_up_and_down(site: LiveSite, meet: Meet) -> None:
    ben = site.dm.mailbox("ben")
    conversation = grown(site, COUNT)
    reader = meet(site, "ada").open_live(conversation)
    expect(reader.texts.last).to_have_text(f"Message {COUNT - 1}")
    assert reader.from_end() < 2
    shown = numbers(reader)
    while shown[0] > COUNT - 450:
        oldest = shown[0]
        scroll(reader, up=True)
        expect(reader.texts.first).not_to_have_text(f"Message {oldest}")
        shown = numbers(reader)
        assert shown == list(range(shown[0], shown[0] + len(shown)))
        assert len(shown) <= BOUND
        assert shown[0] < oldest
        # What was looked at is still looked at: it did not jump to the new beginning.
        expect(reader.message(f"Message {oldest}").first).to_be_in_viewport()
    assert shown[-1] < COUNT - 1
    # Something arrives far below: it is told, and nothing moves.
    ben.send(conversation, f"Message {COUNT}")
    jump = reader.page.locator("[data-dm-jump]")
    expect(jump).to_be_visible()
    assert numbers(reader) == shown
    while shown[-1] < COUNT:
        newest = shown[-1]
        scroll(reader, up=False)
        expect(reader.texts.last).not_to_have_text(f"Message {newest}")
        shown = numbers(reader)
        assert shown == list(range(shown[0], shown[0] + len(shown)))
        assert len(shown) <= BOUND
    expect(jump).to_be_hidden()
    # At the end again it follows.
    ben.send(conversation, f"Message {COUNT + 1}")
    expect(reader.texts.last).to_have_text(f"Message {COUNT + 1}")
    assert numbers(reader) == list(range(shown[0], COUNT + 2))


def test_what_was_there_before_is_no_news_and_a_button_leads_back_to_the_end(
    site: LiveSite, meet: Meet
) -> None:
    conversation = seeded(site, 500)
    ada = site.dm.mailbox("ada")
    ada.mark_read(conversation, through=ada.thread(conversation).items[-1].id)
    reader = meet(site, "ada").open_live(conversation)
    jump = reader.page.locator("[data-dm-jump]")
    expect(jump).to_be_hidden()
    for seen in (450, 400, 350, 300, 250, 200):
        expect(reader.texts.first).to_have_text(f"Message {seen}")
        scroll(reader, up=True)
    expect(reader.texts.first).to_have_text("Message 150")
    expect(jump).to_have_text("Newest messages")
    scroll(reader, up=False)
    expect(reader.texts.last).to_have_text("Message 499")
    expect(reader.page.get_by_text("new messages", exact=False)).to_have_count(0)
    scroll(reader, up=True)
    expect(jump).to_be_visible()
    jump.click()
    expect(reader.message("Message 499")).to_be_in_viewport()
    expect(jump).to_be_hidden()


def test_who_reads_further_up_is_told_of_what_arrives_and_can_jump_to_it(
    site: LiveSite, meet: Meet
) -> None:
    ada, ben = site.dm.mailbox("ada"), site.dm.mailbox("ben")
    conversation = seeded(site, 120)
    reader = meet(site, "ada").open_live(conversation)
    scroll(reader, up=True)
    expect(reader.texts).to_have_count(100)
    before = reader.from_end()
    ben.send(conversation, "Message 120")
    jump = reader.page.locator("[data-dm-jump]")
    expect(jump).to_be_visible()
    expect(reader.texts.last).to_have_text("Message 120")
    assert reader.from_end() > before
    assert ada.unread() > 0
    with reader.page.expect_response("**/read"):
        jump.click()
    expect(reader.message("Message 120")).to_be_in_viewport()
    expect(jump).to_be_hidden()
    assert ada.unread() == 0


def test_from_far_up_one_jumps_to_the_newest(site: LiveSite, meet: Meet) -> None:
    ben = site.dm.mailbox("ben")
    conversation = seeded(site, 500)
    reader = meet(site, "ada").open_live(conversation)
    for seen in (450, 400, 350, 300, 250, 200):
        expect(reader.texts.first).to_have_text(f"Message {seen}")
        scroll(reader, up=True)
    expect(reader.texts.first).to_have_text("Message 150")
    expect(reader.texts.last).not_to_have_text("Message 499")
    ben.send(conversation, "Message 500")
    reader.page.locator("[data-dm-jump]").click()
    expect(reader.message("Message 500")).to_be_in_viewport()
    shown = numbers(reader)
    assert shown == list(range(501 - len(shown), 501))


def test_what_arrives_where_there_is_no_room_for_it_moves_nothing(
    site: LiveSite, meet: Meet
) -> None:
    conversation = seeded(site, 500)
    ada = site.dm.mailbox("ada")
    ada.mark_read(conversation, through=ada.thread(conversation).items[-1].id)
    reader = meet(site, "ada").open_live(conversation)
    for oldest in (450, 400, 350, 300, 250):
        expect(reader.texts.first).to_have_text(f"Message {oldest}")
        scroll(reader, up=True)
    expect(reader.texts).to_have_count(BOUND)
    site.dm.mailbox("ben").send(conversation, "Message 500")
    expect(reader.page.locator("[data-dm-jump]")).to_be_visible()
    assert numbers(reader) == list(range(200, 500))


def test_what_one_writes_from_far_up_is_shown(site: LiveSite, meet: Meet) -> None:
    conversation = seeded(site, 500)
    reader = meet(site, "ada").open_live(conversation)
    for seen in (450, 400, 350, 300, 250, 200):
        expect(reader.texts.first).to_have_text(f"Message {seen}")
        scroll(reader, up=True)
    expect(reader.texts.first).to_have_text("Message 150")
    reader.write("Message 500")
    expect(reader.texts.last).to_have_text("Message 500")
    expect(reader.message("Message 500")).to_be_in_viewport()


def test_an_old_message_that_is_edited_or_hidden_changes_where_it_stands(
    site: LiveSite, meet: Meet
) -> None:
    ada = site.dm.mailbox("ada")
    sent = [ada.start("ben", "Message 0")]
    conversation = sent[0].conversation
    sent += [ada.send(conversation, f"Message {number}") for number in range(1, 120)]
    reader = meet(site, "ben").open_live(conversation)
    scroll(reader, up=True)
    expect(reader.texts).to_have_count(100)
    site.dm.mailbox("ben").hide(conversation, sent[70].id)
    expect(reader.texts).to_have_count(99)
    for number in (25, 69, 71, 90):
        ada.edit(conversation, sent[number].id, f"Message {number + 1000}")
        expect(reader.message(f"Message {number + 1000}")).to_have_count(1)
    wanted = [it + 1000 if it in {25, 69, 71, 90} else it for it in range(20, 120) if it != 70]
    assert numbers(reader) == wanted
    scroll(reader, up=True)
    expect(reader.texts).to_have_count(119)
    assert numbers(reader) == [*range(20), *wanted]


@pytest.mark.promise("MSG-5")
def test_who_hides_or_deletes_far_up_stays_there(site: LiveSite, meet: Meet) -> None:
    ada = site.dm.mailbox("ada")
    sent = [ada.start("ben", "Message 0")]
    conversation = sent[0].conversation
    sent += [ada.send(conversation, f"Message {number}") for number in range(1, 120)]
    reader = meet(site, "ada").open_live(conversation)
    scroll(reader, up=True)
    expect(reader.texts).to_have_count(100)
    for number, ask, button in ((30, "Hide for me", "Hide it for me"), (32, "Delete", "Delete it")):
        message = reader.page.locator(f"#m-{sent[number].id}")
        message.scroll_into_view_if_needed()
        message.locator("summary").first.click()
        message.get_by_text(ask).first.click()
        message.get_by_role("button", name=button).click()
        expect(reader.message(f"Message {number}").locator(".dm-body")).to_have_count(0)
        expect(reader.message(f"Message {number + 1}")).to_be_in_viewport()
        assert reader.from_end() > 1_000
    assert reader.page.evaluate("document.activeElement.tagName") == "SUMMARY"
    assert ada.thread(conversation, limit=100).items[-1].id == sent[-1].id
    assert site.dm.mailbox("ben").unread() == 119


@pytest.mark.promise("READ-2")
def test_that_all_was_seen_is_shown_on_every_page_of_it(site: LiveSite, meet: Meet) -> None:
    with site.at_once() as dm:
        ada = dm.mailbox("ada")
        sent = [ada.start("ben", "Message 0")]
        conversation = sent[0].conversation
        sent += [ada.send(conversation, f"Message {number}") for number in range(1, 120)]
    writer = meet(site, "ada").open_live(conversation)
    scroll(writer, up=True)
    expect(writer.texts).to_have_count(100)
    seen = writer.messages.filter(has_text="Seen")
    expect(seen).to_have_count(0)
    site.dm.mailbox("ben").mark_read(conversation, through=sent[-1].id)
    expect(seen).to_have_count(100)
