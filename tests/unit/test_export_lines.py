"""An export as JSON Lines: one object a line, whatever stands in it."""

import json
import re
from pathlib import Path
from uuid import UUID

import attrs
import pytest
from hypothesis import example, given
from tests.unit.strategies import any_text, ids

from dmcore import (
    Block,
    Body,
    ConversationView,
    Device,
    Exported,
    Folder,
    Message,
    OwnAccount,
    OwnReport,
    Preferences,
    Prekey,
    ReportId,
    ReportReason,
    Request,
    json_line,
)
from dmcore.domain.ids import ConversationId, DeviceId, MessageId, UserId

TALK = ConversationId(UUID("8f0e5e2a-0000-8000-8000-000000000001"))
FIRST, SECOND = (MessageId(UUID(int=number)) for number in (1, 2))
NOON_US = 1_893_499_200_000_000
MESSAGE = Message(
    id=SECOND,
    conversation=TALK,
    sender=UserId("bob"),
    body=Body('h\u00e9\n"2\u2028\x85'),
    sent_at_us=NOON_US,
    edited_at_us=NOON_US + 1,
    reply_to=FIRST,
    thread_id=FIRST,
    seen_at_us=NOON_US + 1_000_000,
    franking=bytes(32),
)
VIEW = ConversationView(
    conversation=TALK,
    other=UserId("bob"),
    folder=Folder.REQUESTS,
    request=Request.PENDING,
    newest=SECOND,
    read=None,
    unread=1,
    is_muted=False,
    is_archived=True,
    you_block=False,
)
EVERY: tuple[tuple[Exported, str], ...] = (
    (
        OwnAccount(
            preferences=Preferences(open_to="nobody", typing=False),
            is_muted=True,
            muted_until_us=NOON_US,
            is_suspended=True,
            suspended_until_us=NOON_US + 1,
        ),
        '{"kind":"account","open_to":"nobody","receipts":true,"typing":false,"presence":true,'
        '"is_muted":true,"muted_until":"2030-01-01T12:00:00.000000Z",'
        '"is_suspended":true,"suspended_until":"2030-01-01T12:00:00.000001Z"}',
    ),
    (
        Device(
            id=DeviceId(TALK),
            identity=bytes(32),
            prekey=Prekey(number=7, public=bytes(32), signature=bytes(64)),
            added_at_us=NOON_US,
            renewed_at_us=NOON_US + 1,
        ),
        f'{{"kind":"device","id":"{TALK}","identity":"{64 * "0"}","prekey":"{64 * "0"}",'
        '"added_at":"2030-01-01T12:00:00.000000Z","renewed_at":"2030-01-01T12:00:00.000001Z"}',
    ),
    (
        Block(blocked=UserId("cyd"), since_us=NOON_US, position=4),
        '{"kind":"block","user":"cyd","since":"2030-01-01T12:00:00.000000Z"}',
    ),
    (
        OwnReport(
            id=ReportId(SECOND),
            reported=UserId("cyd"),
            conversation=TALK,
            messages=(FIRST, SECOND),
            reason=ReportReason.SELF_HARM,
            made_at_us=NOON_US,
        ),
        f'{{"kind":"report","id":"{SECOND}","user":"cyd","thread":"{TALK}",'
        f'"messages":["{FIRST}","{SECOND}"],"reason":"self_harm",'
        '"made_at":"2030-01-01T12:00:00.000000Z"}',
    ),
    (
        VIEW,
        f'{{"kind":"conversation","id":"{TALK}","other":"bob","folder":"requests",'
        f'"request":"pending","newest":"{SECOND}","read":null,"unread":1,"is_muted":false,'
        '"is_archived":true,"you_block":false,"is_sealed":false}',
    ),
    (
        MESSAGE,
        f'{{"kind":"message","id":"{SECOND}","thread":"{TALK}","sender":"bob",'
        '"body":"h\u00e9\\n\\"2\\u2028\\u0085","envelope":null,"is_deleted":false,'
        '"sent_at":"2030-01-01T12:00:00.000000Z","edited_at":"2030-01-01T12:00:00.000001Z",'
        f'"reply_to":"{FIRST}","thread_root":"{FIRST}","seen_at":"2030-01-01T12:00:01.000000Z",'
        f'"tag":"{43 * "A"}="}}',
    ),
)


@pytest.mark.promise("GDPR-1")
@pytest.mark.parametrize(("thing", "line"), EVERY, ids=lambda it: type(it).__name__)
def test_each_kind_of_thing_has_its_line(thing: Exported, line: str) -> None:
    assert json_line(thing) == line


@pytest.mark.promise("GDPR-1")
def test_what_does_not_apply_is_null() -> None:
    gone = Message(id=FIRST, conversation=TALK, sender=UserId("bob"), body=None, sent_at_us=NOON_US)
    line = json.loads(json_line(gone))
    assert line["is_deleted"] is True
    names = {name for name, value in line.items() if value is None}
    nothing = {"body", "envelope", "edited_at", "reply_to", "thread_root", "seen_at", "tag"}
    assert names == nothing


@pytest.mark.promise("GDPR-1")
@given(text=any_text, other=ids)
@example(text="\x00\x0b\x0c\x1c\x85\u2028\u2029\r\n", other="\u2028")
def test_any_text_is_one_line_to_every_reader_and_comes_back(text: str, other: str) -> None:
    for thing, name in (
        (attrs.evolve(MESSAGE, body=Body(text)), "body"),
        (attrs.evolve(VIEW, other=UserId(other)), "other"),
    ):
        line = json_line(thing)
        assert line.splitlines() == [line]
        assert json.loads(line)[name] == (text if name == "body" else other)


@pytest.mark.promise("GDPR-1")
def test_the_page_tells_every_field_of_every_kind() -> None:
    page = Path(__file__).parents[2] / "docs/how-to/export.md"
    told = re.findall(r"^\| `(\w+)` \| `(\w+)` \|", page.read_text(encoding="utf-8"), re.MULTILINE)
    lines = [json.loads(json_line(thing)) for thing, _ in EVERY]
    assert told == [(line["kind"], name) for line in lines for name in line if name != "kind"]
