"""Acting over HTTP: what each act does, and what a refused one leaves as it was."""

from typing import Any
from uuid import UUID

import pytest
from tests.web.conftest import MakeHost
from tests.web.described import Api
from tests.web.hosts import ROOT, Host

from dmcore import Gate, Introduction, Policy, Profile
from dmcore.domain.ids import User
from dmcore.testing.screening import Censor
from dmcore.testing.world import asking

CODE = "message_refused"
NOWHERE = str(UUID(int=7))


@pytest.fixture
def api(host: Host) -> Api:
    return Api(host)


def bodies(api: Api, thread: str, *, user: str = "ann") -> list[str | None]:
    return [message["body"] for message in api.get(f"/threads/{thread}", user=user)["messages"]]


# Writing ----------------------------------------------------------------------------------------


@pytest.mark.promise("PAIR-2")
def test_writing_to_somebody_begins_the_conversation_once(api: Api) -> None:
    first = api.start("bob", "one")
    second = api.start("ann", "two", user="bob")
    assert first["thread"] == second["thread"]
    assert bodies(api, first["thread"]) == ["one", "two"]


def test_a_new_message_says_where_it_is(api: Api) -> None:
    given = {"user": "bob", "body": "x"}
    started = api.ask("POST", "/threads", json=given)
    thread = started.json()["thread"]
    sent = api.ask("POST", f"/threads/{thread}/messages", json={"body": "y"})
    for answer in (started, sent):
        assert answer.status == 201
        where = f"{ROOT}/api/threads/{thread}/messages/{answer.json()['id']}"
        assert answer.headers["location"] == where
        api.do("DELETE", where.removeprefix(f"{ROOT}/api"))
    assert bodies(api, thread) == [None, None]


@pytest.mark.promise("MSG-6", "CONV-2")
def test_a_reply_names_a_message_of_its_conversation_and_no_other(api: Api) -> None:
    first = api.start("bob", "one")
    elsewhere = api.start("cyd", "other")
    reply = api.send(first["thread"], "two", reply_to=first["id"])
    assert (reply["reply_to"], reply["thread_root"]) == (first["id"], first["id"])
    path = f"/threads/{first['thread']}/messages"
    for target in (elsewhere["id"], NOWHERE):
        given = {"body": "x", "reply_to": target}
        assert api.refusal("POST", path, json=given) == "403 access_denied"
    given = {"body": "x", "reply_to": "first"}
    assert api.refusal("POST", path, json=given) == "422 invalid_id"
    assert bodies(api, first["thread"]) == ["one", "two"]


@pytest.mark.promise("MSG-3")
def test_the_same_key_is_the_same_message_and_with_another_text_a_conflict(api: Api) -> None:
    first = api.start("bob", "one", key="k 1")
    assert api.start("bob", "one", key="k 1") == first
    headers = {"idempotency-key": "k 1"}
    given = {"user": "bob", "body": "two"}
    refused = api.refusal("POST", "/threads", json=given, headers=headers)
    assert refused == "409 key_conflict"
    path = f"/threads/{first['thread']}/messages"
    again = api.ask("POST", path, json={"body": "one"}, headers=headers)
    assert (again.status, again.json()) == (201, first)
    refused = api.refusal("POST", path, json={"body": "two"}, headers=headers)
    assert refused == "409 key_conflict"
    assert bodies(api, first["thread"]) == ["one"]


@pytest.mark.promise("MSG-3")
def test_a_key_may_stand_in_quotes_and_is_the_same_key(api: Api) -> None:
    """The IETF draft of the header writes a string of RFC 9651."""
    bare, quoted = r'a"b\c', r'"a\"b\\c"'
    assert api.start("bob", "x", key=quoted) == api.start("bob", "x", key=f" {bare} ")
    assert len(api.get("/threads")["items"]) == 1


@pytest.mark.promise("MSG-3")
def test_a_key_that_is_none_is_refused_and_nothing_is_stored(api: Api) -> None:
    given = {"user": "bob", "body": "x"}
    for key in ("", '""', '"open', '"a"b', r'"a\b"', "k" * 256):
        headers = {"idempotency-key": key}
        refused = api.refusal("POST", "/threads", json=given, headers=headers)
        assert refused == "422 invalid_key", key
    assert api.get("/threads")["items"] == []


@pytest.mark.promise("MSG-5")
def test_an_own_message_is_edited_and_shows_it(api: Api) -> None:
    sent = api.start("bob", "one")
    api.host.clock.advance(seconds=1)
    path = f"/threads/{sent['thread']}/messages/{sent['id']}"
    edited = api.ask("PATCH", path, json={"body": "two"}).json()
    edited_at = {name: edited[name] for name in ("edited_at", "edited_at_us")}
    assert edited == {**sent, "body": "two", **edited_at}
    assert edited["edited_at"] > edited["sent_at"]
    assert edited["edited_at_us"] == edited["sent_at_us"] + 1_000_000
    assert bodies(api, sent["thread"], user="bob") == ["two"]
    refused = api.refusal("PATCH", path, user="bob", json={"body": "three"})
    assert refused == "403 access_denied"
    api.host.clock.advance(seconds=3600)
    assert api.refusal("PATCH", path, json={"body": "four"}) == "409 too_late_to_edit"
    assert bodies(api, sent["thread"], user="bob") == ["two"]


@pytest.mark.promise("MSG-5")
def test_a_deleted_message_is_a_place_without_a_text_for_both(api: Api) -> None:
    sent = api.start("bob", "one", key="k")
    path = f"/threads/{sent['thread']}/messages/{sent['id']}"
    assert api.refusal("DELETE", path, user="bob") == "403 access_denied"
    assert bodies(api, sent["thread"]) == ["one"]
    api.do("DELETE", path)
    api.do("DELETE", path)
    for user in ("ann", "bob"):
        (shown,) = api.get(f"/threads/{sent['thread']}", user=user)["messages"]
        assert (shown["id"], shown["body"], shown["is_deleted"]) == (sent["id"], None, True)
    assert api.start("bob", "one", key="k")["body"] is None


@pytest.mark.promise("MSG-5")
def test_hiding_and_clearing_concern_oneself_alone(api: Api) -> None:
    sent = api.start("bob", "one")
    thread = sent["thread"]
    api.send(thread, "two", user="bob")
    api.do("POST", f"/threads/{thread}/messages/{sent['id']}/hide")
    assert bodies(api, thread) == ["two"]
    api.do("POST", f"/threads/{thread}/clear")
    assert bodies(api, thread) == []
    assert bodies(api, thread, user="bob") == ["one", "two"]


# One's own view ---------------------------------------------------------------------------------


@pytest.mark.promise("READ-1")
def test_marking_read_moves_the_marker_and_never_back(api: Api) -> None:
    first = api.start("ann", "one", user="bob")
    thread = first["thread"]
    second = api.send(thread, "two", user="bob")
    for through, unread in ((first, 1), (second, 0), (first, 0)):
        api.do("POST", f"/threads/{thread}/read", json={"through": through["id"]})
        assert api.get("/unread-count") == {"unread": unread}
    assert api.get(f"/threads/{thread}")["thread"]["read"] == second["id"]
    refused = api.refusal("POST", f"/threads/{thread}/read", json={"through": NOWHERE})
    assert refused == "403 access_denied"


@pytest.mark.parametrize(("act", "flag"), [("mute", "is_muted"), ("archive", "is_archived")])
def test_a_flag_is_put_and_taken_away_as_often_as_one_likes(api: Api, act: str, flag: str) -> None:
    thread = api.start("ann", "x", user="bob")["thread"]
    for method, is_set in (("PUT", True), ("PUT", True), ("DELETE", False), ("DELETE", False)):
        api.do(method, f"/threads/{thread}/{act}")
        assert api.get(f"/threads/{thread}")["thread"][flag] is is_set
        assert api.get(f"/threads/{thread}", user="bob")["thread"][flag] is False


@pytest.mark.promise("MOD-5")
def test_a_refused_text_is_a_problem_with_its_reason_and_without_the_text(
    make_host: MakeHost,
) -> None:
    api = Api(make_host(screeners=[Censor()]))
    thread = api.start("ann", "fine", user="bob")["thread"]
    sent = api.send(thread, "fine")
    before = api.get(f"/threads/{thread}")
    attempts = (
        ("POST", "/threads", {"user": "cyd", "body": "refuse zebra"}),
        ("POST", f"/threads/{thread}/messages", {"body": "refuse zebra"}),
        ("PATCH", f"/threads/{thread}/messages/{sent['id']}", {"body": "refuse zebra"}),
    )
    for method, path, said in attempts:
        answer = api.ask(method, path, json=said)
        problem = answer.json()
        assert (answer.status, problem["code"], problem["reason"]) == (422, CODE, "rude")
        assert problem["type"] == f"urn:dmcore:error:{CODE}"
        assert "zebra" not in answer.text
    assert api.get(f"/threads/{thread}") == before
    assert api.send(thread, "flag")["body"] == "flag"


@pytest.mark.promise("REQ-1")
def test_a_request_is_declined_or_accepted_by_whom_it_asks(make_host: MakeHost) -> None:
    api = Api(make_host(policy=asking(1)))
    thread = api.start("ann", "may I?", user="bob")["thread"]
    path = f"/threads/{thread}/messages"
    refused = api.refusal("POST", path, user="bob", json={"body": "please"})
    assert refused == "409 not_accepted_yet"
    api.do("POST", f"/threads/{thread}/decline")
    assert api.get(f"/threads/{thread}")["thread"]["request"] == "declined"
    again = api.refusal("POST", path, user="bob", json={"body": "please"})
    assert again == refused
    api.do("POST", "/users/bob/block")
    assert api.refusal("POST", f"/threads/{thread}/accept") == "409 you_blocked_them"
    api.do("DELETE", "/users/bob/block")
    api.do("POST", f"/threads/{thread}/accept")
    api.send(thread, "thank you", user="bob")
    assert bodies(api, thread) == ["may I?", "thank you"]
    assert api.refusal("POST", f"/threads/{thread}/decline") == "409 no_request"


def test_telling_that_one_types_changes_nothing(api: Api) -> None:
    thread = api.start("bob", "x")["thread"]
    before = api.get(f"/threads/{thread}"), api.get("/changes")
    api.do("POST", f"/threads/{thread}/typing")
    api.do("POST", f"/threads/{thread}/typing", body=b"", headers={"content-type": None})
    assert (api.get(f"/threads/{thread}"), api.get("/changes")) == before


# Other people, and oneself ----------------------------------------------------------------------


@pytest.mark.promise("BLOCK-1", "BLOCK-2")
def test_a_block_stops_both_and_tells_only_the_one_who_blocks(api: Api) -> None:
    thread = api.start("bob", "x")["thread"]
    path = f"/threads/{thread}/messages"
    api.do("POST", "/users/bob/block")
    api.do("POST", "/users/bob/block")
    assert api.refusal("POST", path, json={"body": "y"}) == "409 you_blocked_them"
    refused = api.refusal("POST", path, user="bob", json={"body": "y"})
    assert refused == "403 recipient_unavailable"
    api.do("DELETE", "/users/bob/block")
    api.do("DELETE", "/users/bob/block")
    api.send(thread, "y", user="bob")
    assert bodies(api, thread) == ["x", "y"]


@pytest.mark.promise("PAIR-3")
def test_nobody_writes_to_or_blocks_themselves(api: Api) -> None:
    given = {"user": "ann", "body": "x"}
    asked: list[tuple[str, str, Any]] = [
        ("POST", "/threads", given),
        ("POST", "/users/ann/block", None),
        ("DELETE", "/users/ann/block", None),
        ("GET", "/users/ann/can-message", None),
        ("GET", "/threads/with?user=ann", None),
    ]
    for method, path, content in asked:
        refused = api.refusal(method, path, json=content)
        assert refused == "422 cannot_message_yourself"


@pytest.mark.promise("PREF-1")
def test_preferences_are_chosen_all_at_once(api: Api) -> None:
    chosen = {"open_to": "nobody", "receipts": False, "typing": True, "presence": False}
    answer = api.ask("PUT", "/preferences", json=chosen)
    assert (answer.status, answer.json()) == (200, chosen)
    assert api.get("/preferences") == chosen
    assert api.get("/preferences", user="bob")["open_to"] == "everyone"
    for wrong in ({"open_to": "everyone"}, {**chosen, "open_to": "friends"}, {**chosen, "x": 1}):
        assert api.refusal("PUT", "/preferences", json=wrong) == "422 malformed_request"
    connections = {**chosen, "open_to": "connections"}
    assert api.refusal("PUT", "/preferences", json=connections) == "422 choice_not_offered"
    assert api.get("/preferences") == chosen


class Town:
    """Everybody lives here but Zed, and nobody has paid but Ann."""

    def introduce(self, sender: User, recipient: User) -> Introduction:
        known = {
            user.id: Profile(is_subscribed=user.id == "ann")
            for user in (sender, recipient)
            if user.id != "zed"
        }
        return Introduction(sender=known[sender.id], recipient=known.get(recipient.id))


@pytest.mark.promise("TEN-1", "GATE-1")
def test_what_the_host_knows_decides_who_may_start(make_host: MakeHost) -> None:
    api = Api(make_host(policy=Policy(gates=(Gate(needs_subscription=True),)), directory=Town()))
    to_zed, to_cyd = ({"user": user, "body": "x"} for user in ("zed", "cyd"))
    assert api.refusal("POST", "/threads", json=to_zed) == "404 unknown_user"
    assert api.refusal("POST", "/threads", user="bob", json=to_cyd) == "402 upgrade_required"
    api.start("cyd", "x")
    assert api.get("/users/cyd/can-message", user="bob")["reason"] == "upgrade_required"


@pytest.mark.promise("LIMIT-1")
def test_a_limit_says_when_to_come_again_and_means_it(make_host: MakeHost) -> None:
    api = Api(make_host(policy=Policy(starts=None)))
    thread = api.start("bob", "0")["thread"]
    for number in range(1, 20):
        api.send(thread, str(number))
    api.host.clock.advance(seconds=0.25)
    path = f"/threads/{thread}/messages"
    refused = api.ask("POST", path, json={"body": "20"})
    assert (refused.status, refused.json()["code"]) == (429, "limit_reached")
    assert refused.json()["retry_after_s"] == 59.75
    assert refused.headers["retry-after"] == "60"
    api.host.clock.advance(seconds=int(refused.headers["retry-after"]))
    api.send(thread, "20")


@pytest.mark.promise("OPS-1")
def test_the_operators_switch_is_seen_at_once(api: Api) -> None:
    thread = api.start("bob", "x")["thread"]
    operator = api.host.dm.operations("olga")
    operator.set_mode("read_only")
    path = f"/threads/{thread}/messages"
    assert api.refusal("POST", path, json={"body": "y"}) == "503 messaging_unavailable"
    assert bodies(api, thread) == ["x"]
    operator.set_mode("off")
    answer = api.ask("GET", f"/threads/{thread}")
    assert (answer.status, answer.json()["mode"]) == (503, "off")
    assert int(answer.headers["retry-after"]) == 30
