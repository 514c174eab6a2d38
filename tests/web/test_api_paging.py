"""Links lead through a list once, whatever comes meanwhile."""

import pytest
from tests.web.described import Api, next_of
from tests.web.hosts import Host


@pytest.fixture
def api(host: Host) -> Api:
    return Api(host)


@pytest.mark.promise("PAGE-1")
@pytest.mark.parametrize("folder", ["inbox", "archived"])
def test_the_links_of_a_folder_lead_to_every_conversation_once(api: Api, folder: str) -> None:
    people = [f"user {number}" for number in range(5)]
    for person in people:
        thread = api.start("ann", "x", user=person)["thread"]
        api.host.clock.advance(seconds=1)
        if folder == "archived":
            api.do("PUT", f"/threads/{thread}/archive")
    pages = list(api.walk(f"/threads?folder={folder}&limit=2"))
    assert [len(page["items"]) for page in pages] == [2, 2, 1]
    assert [entry["other"] for page in pages for entry in page["items"]] == people[::-1]
    assert [page["next"] is None for page in pages] == [False, False, True]


@pytest.mark.promise("PAGE-1", "PAGE-2")
def test_a_conversation_is_walked_back_from_its_newest_page(api: Api) -> None:
    thread = api.start("bob", "0")["thread"]
    for number in range(1, 7):
        api.send(thread, str(number))
    pages = [
        [message["body"] for message in page["messages"]]
        for page in api.walk(f"/threads/{thread}?limit=3")
    ]
    assert pages == [["4", "5", "6"], ["1", "2", "3"], ["0"]]


@pytest.mark.promise("PAGE-1")
def test_a_conversation_is_walked_forward_after_a_cursor(api: Api) -> None:
    thread = api.start("bob", "0")["thread"]
    place = api.get(f"/threads/{thread}")["newer"]
    for number in range(1, 6):
        api.send(thread, str(number))
    pages = [
        [message["body"] for message in page["messages"]]
        for page in api.walk(f"/threads/{thread}?limit=2&after={place}")
    ]
    assert pages == [["1", "2"], ["3", "4"], ["5"]]


@pytest.mark.promise("PAGE-1", "MSG-6")
def test_the_replies_of_a_message_are_walked_like_a_conversation(api: Api) -> None:
    root = api.start("bob", "0")
    thread = root["thread"]
    for number in range(1, 5):
        api.send(thread, str(number), reply_to=root["id"])
        api.send(thread, "beside it")
    path = f"/threads/{thread}/messages/{root['id']}/replies?limit=2"
    pages = [[message["body"] for message in page["messages"]] for page in api.walk(path)]
    assert pages == [["3", "4"], ["1", "2"], ["0"]]


@pytest.mark.promise("PAGE-1", "BLOCK-3")
def test_the_links_of_the_block_list_lead_to_every_block_once(api: Api) -> None:
    people = [f"user {number}" for number in range(5)]
    for person in people:
        api.do("POST", f"/users/{person.replace(' ', '%20')}/block")
    pages = list(api.walk("/users/blocked?limit=2"))
    assert [block["user"] for page in pages for block in page["items"]] == people[::-1]


@pytest.mark.promise("FEED-1")
def test_the_links_of_the_feed_lead_to_every_fact_once_and_end_at_its_end(api: Api) -> None:
    thread = api.start("bob", "0")["thread"]
    for number in range(1, 8):
        api.send(thread, str(number))
    whole = api.get("/changes?limit=100")
    pages = list(api.walk("/changes?limit=3"))
    assert [fact for page in pages for fact in page["items"]] == whole["items"]
    assert [page["has_more"] for page in pages] == [True, True, False]
    assert pages[-1]["next"] == whole["next"]


def test_a_link_keeps_the_parameters_of_the_list_and_nothing_else(api: Api) -> None:
    for person in ("bob", "cyd"):
        api.start("ann", "x", user=person)
    answer = api.ask("GET", "/threads?folder=inbox&limit=1&secret=zebra")
    link = next_of(answer)
    assert link == f"/threads?folder=inbox&limit=1&cursor={answer.json()['next']}"
