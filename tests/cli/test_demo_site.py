"""The demo site as a visitor meets it: a process of its own, asked over HTTP, ended by a signal."""

import json
import os
import pty
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
import httpx2
import pytest
from tests.cli.test_processes import DMCORE, environment

PEOPLE = ["ann", "bob", "zoe", "layla", "eleni", "dmytro"]
FORM = {"Sec-Fetch-Site": "same-origin"}


@attrs.frozen(kw_only=True)
class Running:
    """A demo site that was started, and what it said."""

    process: subprocess.Popen[str]
    url: str
    people: dict[str, str]
    staff: dict[str, str]
    location: str
    spare: Path

    def client(self, user: str) -> httpx2.Client:
        """A window of a browser in which somebody is this person."""
        return httpx2.Client(base_url={**self.people, **self.staff}[user])

    def end(self, *numbers: signal.Signals) -> tuple[int, str, str]:
        for number in numbers:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


Start = Callable[..., Running]


@contextmanager
def starting(folder: Path) -> Iterator[Start]:
    """Starts sites on free ports, whose temporary files have a folder of their own."""
    spare = folder / "temporary"
    spare.mkdir()
    processes: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> Running:
        process = subprocess.Popen(
            [DMCORE, "demo", "--port", "0", *arguments],
            cwd=folder,
            env=environment(TMPDIR=str(spare)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdout is not None
        return Running(process=process, spare=spare, **json.loads(process.stdout.readline()))

    yield start
    for process in processes:
        process.terminate()
        process.communicate(timeout=60)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts sites of one's own."""
    with starting(tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One site for all who leave it as it is, but for what is said."""
    with starting(tmp_path_factory.mktemp("site")) as start:
        yield start()


def thread_with(window: httpx2.Client, other: str) -> str:
    found = window.get("messages/api/threads/with", params={"user": other}).json()["thread"]
    assert isinstance(found, dict)
    return str(found["id"])


def unread(window: httpx2.Client) -> int:
    return int(window.get("messages/api/unread-count").json()["unread"])


def test_two_windows_are_two_people_who_write_to_each_other(site: Running) -> None:
    with site.client("ann") as ann, site.client("bob") as bob:
        thread = thread_with(bob, "ann")
        before = unread(bob)
        path = f"messages/api/threads/{thread}/messages"
        assert ann.post(path, json={"body": "Ten is fine, see you <there>"}).status_code == 201
        assert unread(bob) == before + 1
        shown = bob.get(f"messages/t/{thread}")
        assert shown.status_code == 200
        assert "Ten is fine, see you &lt;there&gt;" in shown.text
        assert "Ann Whitlock" in shown.text
        answer = bob.post(
            f"messages/t/{thread}", data={"body": "See you!", "key": "1"}, headers=FORM
        )
        assert answer.status_code == 303
        assert "See you!" in ann.get(f"messages/t/{thread}").text


def test_the_first_page_leads_to_everybody_and_everybody_to_everybody_else(site: Running) -> None:
    page = httpx2.get(site.url).text
    assert list(site.people) == PEOPLE
    for user, address in site.people.items():
        assert f'href="{urlsplit(address).path}"' in page
        with site.client(user) as window:
            home = window.get("")
            assert re.findall(r'<li class="demo-card" id="(\w+)">', home.text) == [
                other for other in PEOPLE if other != user
            ]
            for other in PEOPLE:
                written = window.post("messages/open", data={"user": other}, headers=FORM)
                assert (other == user) == (written.status_code not in (200, 303))
            assert window.get("messages/").status_code == 200


def test_one_click_makes_a_moderator_or_an_operator(site: Running) -> None:
    page = httpx2.get(site.url).text
    assert 'href="/as/mina/messages/moderation"' in page
    assert 'href="/as/oskar/messages/operations"' in page
    with site.client("mina") as mina, site.client("oskar") as oskar, site.client("ann") as ann:
        queue = mina.get("messages/moderation")
        assert "Spam or advertising" in queue.text
        assert "Zoë Němcová" in queue.text
        assert oskar.get("messages/moderation").status_code == 404
        turned = oskar.post("messages/operations/mode", data={"mode": "off"}, headers=FORM)
        assert turned.status_code == 303
        assert oskar.get("messages/health").json() == {"mode": "off"}
        for path in ("messages/moderation", "messages/operations"):
            assert ann.get(path).status_code == 404
        oskar.post("messages/operations/mode", data={"mode": "on"}, headers=FORM)
        assert oskar.get("messages/health").json() == {"mode": "on"}


def test_the_navigation_shows_how_much_is_unread_on_every_page(site: Running) -> None:
    with site.client("ann") as ann:
        count = unread(ann)
        assert count > 0
        for path in ("", "messages/", f"messages/t/{thread_with(ann, 'bob')}", "messages/settings"):
            (navigation,) = re.findall(
                r"<nav class=\"demo-nav.*?</nav>", ann.get(path).text, re.DOTALL
            )
            assert f">{count} unread messages<" in navigation


@pytest.mark.promise("CONV-1")
def test_a_third_person_does_not_see_what_two_have_said(site: Running) -> None:
    with site.client("ann") as ann, site.client("zoe") as zoe:
        thread = thread_with(ann, "bob")
        assert "blue bike" in ann.get(f"messages/t/{thread}").text
        refused = zoe.get(f"messages/t/{thread}")
        assert refused.status_code == 403
        assert "blue bike" not in refused.text


def test_nobody_is_somebody_who_is_not_there(site: Running) -> None:
    assert httpx2.get(f"{site.url}as/eve/").status_code == 404
    for path in ("", "api/threads", "t/1"):
        assert httpx2.get(f"{site.url}as/eve/messages/{path}").status_code == 401


def test_its_pages_have_no_script_and_no_style_of_their_own(site: Running) -> None:
    paths = ("", "as/ann/", "as/ann/messages/", "as/ann/messages/archived", "as/eve/messages/")
    for path in paths:
        page = httpx2.get(f"{site.url}{path}")
        assert "script-src 'self'; style-src 'self'" in page.headers["content-security-policy"]
        assert " style=" not in page.text
        assert "<style" not in page.text
        assert re.search(r"<script(?![^>]*\ssrc=)", page.text) is None
    for path in re.findall(r'<link rel="stylesheet" href="([^"]+)"', httpx2.get(site.url).text):
        sheet = httpx2.get(site.url + path.removeprefix("/"))
        assert sheet.headers["content-type"].startswith("text/css")


# The end ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "numbers",
    [[signal.SIGINT], [signal.SIGINT, signal.SIGINT], [signal.SIGTERM], [signal.SIGHUP]],
    ids=lambda numbers: "+".join(number.name for number in numbers),
)
def test_whatever_ends_it_nothing_is_left(start: Start, numbers: list[signal.Signals]) -> None:
    site = start()
    assert httpx2.get(site.url).status_code == 200
    assert list(site.spare.iterdir()) == [Path(site.location).parent]
    assert site.end(*numbers) == (130, "", "")
    assert list(site.spare.iterdir()) == []
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(site.url)


def test_a_window_that_listens_does_not_keep_it_from_ending(start: Start) -> None:
    site = start()
    with site.client("ann") as ann, ann.stream("GET", "messages/api/stream") as stream:
        assert next(line for line in stream.iter_lines() if line == "event: hello")
        assert site.end(signal.SIGINT) == (130, "", "")
    assert list(site.spare.iterdir()) == []


def test_a_file_that_was_named_stays_and_is_gone_on_with(start: Start, tmp_path: Path) -> None:
    first = start("--file", "mine.db")
    with first.client("ann") as ann:
        thread = thread_with(ann, "bob")
        ann.post(f"messages/api/threads/{thread}/messages", json={"body": "Still there?"})
    assert first.end(signal.SIGINT)[0] == 130
    assert (tmp_path / "mine.db").exists()
    second = start("--file", "mine.db", "--json")
    with second.client("bob") as bob:
        assert bob.get("messages/").text.count("Still there?") == 1
        assert len(bob.get("messages/api/threads").json()["items"]) == 1


def test_it_can_do_without_a_file(start: Start) -> None:
    site = start("--url", "memory:")
    with site.client("ann") as ann:
        assert "blue bike" in ann.get(f"messages/t/{thread_with(ann, 'bob')}").text
    assert list(site.spare.iterdir()) == []


def test_a_person_at_a_terminal_gets_a_sentence_with_the_address(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process: subprocess.Popen[Any] = subprocess.Popen(
        [DMCORE, "demo", "--port", "0"],
        cwd=tmp_path,
        env=environment(TMPDIR=str(tmp_path)),
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    received = b""
    while b"Ctrl+C ends it." not in received:
        received += os.read(ours, 4096)
    process.send_signal(signal.SIGINT)
    # Reading from a terminal that the other side has closed is an error on Linux.
    with suppress(OSError):
        while piece := os.read(ours, 4096):
            received += piece
    os.close(ours)
    assert process.wait(timeout=60) == 130
    plain = re.sub(r"\x1b\[[0-9;]*m", "", received.decode())
    assert re.search(r"The inbox is open at http://127\.0\.0\.1:\d+/\s", plain)
    assert "{" not in plain
    assert list(tmp_path.iterdir()) == []
