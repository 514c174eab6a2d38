"""Care Collective as it runs: one process of its own, its two databases, and people who ask it."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import attrs
import httpx2
import psycopg
from playwright.sync_api import BrowserContext
from psycopg import sql
from tests.acceptance.serving import Served

from dmcore.testing.postgres import PostgresServer

PATIENCE_S = 20


@attrs.frozen
class Collective:
    """Where it is."""

    address: str
    folder: Path
    site_url: str
    messages_url: str
    closing: ExitStack

    def be(self, member: str) -> "Neighbour":
        """One of the people who are there from the beginning."""
        return Neighbour(self).enter("/sign-in", member=member)

    def join(self, name: str) -> "Neighbour":
        """Somebody new, whose limits nobody has touched."""
        return Neighbour(self).enter("/join", name=name, offers="Whatever it takes")

    @property
    def log(self) -> str:
        """What was logged so far."""
        return (self.folder / "care.log").read_text(encoding="utf-8")


class Neighbour:
    """Somebody who asks the site as a browser does, or its interface as a program does."""

    def __init__(self, collective: Collective) -> None:
        self.collective = collective
        self.id = ""
        headers = {"Sec-Fetch-Site": "same-origin"}
        self.http = collective.closing.enter_context(
            httpx2.Client(
                base_url=collective.address, headers=headers, timeout=PATIENCE_S, trust_env=False
            )
        )

    def enter(self, path: str, **form: str) -> Self:
        """Sign in, by one of the two ways."""
        assert self.http.post(path, data=form).status_code == 303
        shown = re.search(r'<form class="me".*?/people/([\w-]+)"', self.page("/"), re.DOTALL)
        assert shown
        self.id = shown[1]
        return self

    def sit_at(self, browser: BrowserContext) -> None:
        """Be signed in in a browser too."""
        value = self.http.cookies["care"]
        browser.add_cookies([{"name": "care", "value": value, "url": self.collective.address}])

    def page(self, path: str) -> str:
        """A page that is there."""
        answer = self.http.get(path, follow_redirects=True)
        assert answer.status_code == 200
        return answer.text

    def ask(self, method: str, path: str, **content: object) -> httpx2.Response:
        """Ask the interface of messaging."""
        return self.http.request(
            method,
            f"/messages/api{path}",
            content=httpx2.Request("POST", "/", json=content).content if content else None,
            headers={"Content-Type": "application/json", "Idempotency-Key": uuid4().hex},
        )

    def get(self, path: str) -> Any:
        """What the interface answers to a look."""
        return self._answered(self.ask("GET", path))

    def do(self, method: str, path: str, **content: object) -> Any:
        """What it answers to an act."""
        return self._answered(self.ask(method, path, **content))

    def outcome(self, method: str, path: str, **content: object) -> str:
        """``done``, or the code of the refusal, with its reason where it has several."""
        answer = self.ask(method, path, **content)
        if answer.is_success:
            return "done"
        said = answer.json()
        return " ".join(filter(None, (said["code"], said.get("reason"))))

    def start(self, other: "Neighbour", text: str) -> str:
        """Write to somebody for the first time; the conversation."""
        thread: str = self.do("POST", "/threads", user=other.id, body=text)["thread"]
        return thread

    def befriend(self, other: "Neighbour", text: str = "Hello neighbour!") -> str:
        """The same, and the other one accepts."""
        thread = self.start(other, text)
        other.do("POST", f"/threads/{thread}/accept")
        return thread

    def write(self, thread: str, text: str, **more: object) -> str:
        """Write into a conversation; the message."""
        message: str = self.do("POST", f"/threads/{thread}/messages", body=text, **more)["id"]
        return message

    def texts(self, thread: str) -> list[str | None]:
        """What stands in the newest page of a conversation."""
        return [it["body"] for it in self.get(f"/threads/{thread}")["messages"]]

    def journal_of(self, user: str) -> list[str]:
        """What was done by and to somebody, as an operator is shown it."""
        found: list[str] = []
        place = f"/operations/users/{user}/journal?limit=100"
        while place:
            answer = self.ask("GET", place)
            found += [it["fact"]["action"] for it in answer.json()["items"]]
            place = answer.links.get("next", {}).get("url", "").removeprefix("/messages/api")
        return found

    @staticmethod
    def _answered(answer: httpx2.Response) -> Any:
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None


@contextmanager
def running(server: PostgresServer, folder: Path) -> Iterator[Collective]:
    """The site, until the block ends; it then ends by itself and says nothing more."""
    site_url = server.url(f"care_{uuid4().hex[:8]}")
    messages_url = urlunsplit(
        urlsplit(site_url)._replace(path=f"{urlsplit(site_url).path}_messages")
    )
    try:
        with Served("care", folder, "--url", site_url) as served, ExitStack() as closing:
            yield Collective(served.address, folder, site_url, messages_url, closing)
            assert served.end() == (0, "")
    finally:
        for url in (site_url, messages_url):
            server.drop_database(url)


@contextmanager
def unreachable(server: PostgresServer, url: str) -> Iterator[None]:
    """Nobody reaches a database, and whoever was connected is so no more."""
    name = urlsplit(url).path.removeprefix("/")
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        connection.execute(ending, [name])
        try:
            yield
        finally:
            connection.execute(allow.format(sql.Identifier(name), sql.SQL("true")))


def stored_bytes(url: str) -> bytes:
    """Every file of every table and index of a database, as it lies on the disk."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        rows = connection.execute(
            "SELECT pg_read_binary_file(pg_relation_filepath(oid)) FROM pg_class"
            " WHERE pg_relation_filepath(oid) IS NOT NULL"
        )
        return b"".join(content for (content,) in rows)
