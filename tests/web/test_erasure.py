"""Erasing a user over HTTP and on pages: looked at first, typed once more, done once."""

import pytest
from tests.web.browsing import Browser
from tests.web.conftest import MakeHost
from tests.web.desks import ELSEWHERE, OPERATOR, Case, on_two_sites, reported

from dmcore import Mode

BOB = "/operations/users/bob/erasure"


@pytest.fixture
def case(make_host: MakeHost) -> Case:
    return reported(make_host)


def texts(case: Case) -> list[str | None]:
    """What Ann reads of Bob's."""
    found = case.host.dm.mailbox("ann").thread(case.thread).items
    return [None if it.body is None else it.body.text for it in found]


@pytest.mark.promise("GDPR-1")
def test_nobody_but_an_operator_erases_or_looks(case: Case) -> None:
    before = texts(case)
    for user, refusal in (("ann", 404), ("bob", 404), ("mod", 404), (None, 401)):
        for method, path in (
            ("POST", f"{BOB}/previews"),
            ("POST", BOB),
            ("GET", "/operations/erasures"),
        ):
            assert case.api.ask(method, path, user=user).status == refusal
        for method, path in (("POST", ""), ("POST", "/preview"), ("GET", "")):
            answer = case.host.client.request(
                method,
                f"/operations/erasures{path}",
                user=user,
                form={"user": "bob", "typed": "bob"} if method == "POST" else None,
            )
            assert answer.status == refusal
    cross = {"sec-fetch-site": "cross-site"}
    assert case.api.refusal("POST", BOB, user=OPERATOR, headers=cross) == "403 cross_site"
    assert texts(case) == before


@pytest.mark.promise("GDPR-1", "OPS-1")
def test_an_erasure_is_looked_at_done_once_and_stands_in_the_ledger(case: Case) -> None:
    case.host.dm.operations(OPERATOR).set_mode(Mode.OFF)
    preview = case.api.ask("POST", f"{BOB}/previews", user=OPERATOR).json()
    assert (preview["conversations"], preview["messages"], preview["has_begun"]) == (1, 2, False)
    done = case.api.ask("POST", BOB, user=OPERATOR).json()
    assert (done["messages"], done["has_changed"]) == (2, True)
    again = case.api.ask("POST", BOB, user=OPERATOR).json()
    assert (again["pseudonym"], again["has_changed"]) == (done["pseudonym"], False)
    case.host.dm.operations(OPERATOR).set_mode(Mode.ON)
    assert texts(case) == [None, None]
    (line,) = case.api.get("/operations/erasures", user=OPERATOR)["items"]
    assert line["pseudonym"] == done["pseudonym"]
    assert line["finished_at"] is not None
    assert case.api.refusal("GET", "/threads", user="bob") == "410 account_erased"


@on_two_sites
def test_who_cannot_be_erased_is_not(case: Case) -> None:
    own = f"/operations/users/{OPERATOR}/erasure"
    assert case.api.refusal("POST", own, user=OPERATOR) == "409 not_erasable"
    olga = Browser.of(case.host, OPERATOR)
    page = olga.post("/operations/erasures", {"user": OPERATOR, "typed": OPERATOR})
    assert page.status == 409
    assert "This user cannot be erased" in page.text
    assert olga.post("/operations/erasures/preview", {"user": OPERATOR}).status == 409


@on_two_sites
@pytest.mark.promise("TEN-1")
def test_an_operator_of_another_tenant_erases_nobody_of_this_one(case: Case) -> None:
    before = texts(case)
    preview = case.api.ask("POST", f"{BOB}/previews", user=OPERATOR, headers=ELSEWHERE).json()
    assert preview["messages"] == 0
    case.api.ask("POST", BOB, user=OPERATOR, headers=ELSEWHERE)
    assert texts(case) == before


@on_two_sites
@pytest.mark.promise("GDPR-1")
def test_the_id_is_typed_once_more_before_anything_is_erased(case: Case) -> None:
    olga = Browser.of(case.host, OPERATOR)
    before = texts(case)
    page = olga.press(olga.get("/operations"), "Look first", user="bob")
    assert page.title == "Erasure"
    other = olga.press(page, "Erase for good", typed="bo")
    assert (other.status, other.alert) == (422, "This is another id. Nothing was erased.")
    spaced = olga.press(page, "Erase for good", typed="bob ")
    assert (spaced.status, spaced.alert) == (422, "This is another id. Nothing was erased.")
    assert texts(case) == before
    done = olga.press(other, "Erase for good", typed="bob")
    assert "Done, and written down with your name." in done.text
    assert texts(case) == [None, None]
    assert "Nobody was erased." not in olga.get("/operations/erasures").text
    again = olga.press(olga.get("/operations"), "Look first", user="bob")
    assert "This user was erased before." in again.text
    repeated = olga.press(again, "Erase for good", typed="bob")
    assert "nothing has changed" in repeated.text
    for text in (page.answer.text, done.answer.text):
        assert "zebra" not in text
