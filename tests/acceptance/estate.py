"""Residents as it is served, with people who move in for a test, and how they ask it."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

import attrs
import httpx2
import psycopg
from sqlalchemy import make_url
from tests.acceptance.serving import Served
from tests.browser.people import PATIENCE_MS

from dmcore.testing.postgres import PostgresServer

API: Final = "/api/v1/messages"
FORM: Final = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}


@attrs.frozen
class Neighbour:
    """Somebody who is signed in, and asks as the site's pages and clients do."""

    id: str
    name: str
    window: httpx2.Client

    def get(self, path: str) -> Any:
        """What the interface answers."""
        answer = self.window.get(API + path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask(self, method: str, path: str, content: object = None) -> httpx2.Response:
        """One request to the interface."""
        return self.window.request(method, API + path, json=content)

    def start(self, other: Self, text: str) -> Any:
        """Write to somebody; returns the message."""
        answer = self.ask("POST", "/threads", {"user": other.id, "body": text})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def send(self, thread: str, text: str) -> Any:
        """Write into a conversation; returns the message."""
        answer = self.ask("POST", f"/threads/{thread}/messages", {"body": text})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def read(self, message: Any) -> None:
        """Mark everything up to a message as read."""
        path = f"/threads/{message['thread']}/read"
        assert self.ask("POST", path, {"through": message["id"]}).status_code == 204

    def block(self, other: Self) -> None:
        assert self.ask("POST", f"/users/{other.id}/block").status_code == 204

    def messages(self, thread: str) -> list[Any]:
        """All that one sees of a short conversation."""
        found: list[Any] = self.get(f"/threads/{thread}")["messages"]
        return found

    def texts(self, thread: str) -> list[str]:
        return [it["body"] for it in self.messages(thread)]

    def choose(self, **choices: object) -> None:
        """Choose anew about being reached and seen."""
        chosen = {**self.get("/preferences"), **choices}
        assert self.ask("PUT", "/preferences", chosen).status_code == 200

    def page(self, path: str) -> httpx2.Response:
        """A page of the site."""
        return self.window.get(path)

    def post(self, path: str, **fields: str) -> int:
        """Send a form of the site; the status of what it leads to."""
        answer = self.window.post(path, data=fields, headers=FORM, follow_redirects=True)
        return answer.status_code


@attrs.frozen
class Estate:
    """The site, its two databases as an administrator sees them, and who moves in."""

    served: Served
    server: PostgresServer
    name: str
    windows: list[httpx2.Client] = attrs.field(factory=list)

    def moves_in(
        self, name: str, *, organisation: str = "linden", house: str = "House 1"
    ) -> Neighbour:
        """Somebody new, signed in."""
        with self.host() as host:
            row = host.execute(
                "INSERT INTO resident (organisation, name, house, flat)"
                " VALUES (%s, %s, %s, 'attic') RETURNING id",
                [organisation, name, house],
            ).fetchone()
        assert row is not None
        window = httpx2.Client(base_url=self.served.address, trust_env=False)
        self.windows.append(window)
        neighbour = Neighbour(str(row[0]), name, window)
        assert neighbour.post("/sign-in", resident=neighbour.id) == 200
        return neighbour

    def host(self) -> psycopg.Connection[Any]:
        """The site's own database, for an administrator."""
        return connected(self.server.url(self.name))

    def messages(self) -> psycopg.Connection[Any]:
        """The database of the messages, for an administrator, who is held to nothing."""
        return connected(self.server.url(f"{self.name}_messages"))

    def messages_as_the_site(self) -> psycopg.Connection[Any]:
        """The same with the login that the site has."""
        password = (self.served.folder / "logins.key").read_text()
        url = make_url(self.server.url(f"{self.name}_messages"))
        login = url.set(username=f"{self.name}_site", password=password)
        return connected(login.render_as_string(hide_password=False))

    def news(self, neighbour: Neighbour) -> list[dict[str, Any]]:
        """What the site knows of messages to somebody."""
        with self.host() as host:
            rows = host.execute(
                "SELECT to_jsonb(notification) FROM notification WHERE resident = %s ORDER BY at",
                [neighbour.id],
            )
            return [row for (row,) in rows]


def connected(url: str) -> psycopg.Connection[Any]:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True)


def until(holds: Callable[[], bool]) -> None:
    """Look again and again: what the relay brings comes a little later."""
    given_up_at = time.monotonic() + PATIENCE_MS / 1000
    while not holds():
        assert time.monotonic() < given_up_at, "it never came"


@contextmanager
def served_estate(server: PostgresServer, folder: Path) -> Iterator[Estate]:
    """The site on databases of its own, which go at the end with their roles."""
    name = f"res_{secrets.token_hex(4)}"
    arguments = ("--url", server.url(), "--name", name)
    try:
        with Served("residents", folder, *arguments) as served:
            estate = Estate(served, server, name)
            yield estate
            for window in estate.windows:
                window.close()
            assert served.end() == (0, "")
    finally:
        for database in (name, f"{name}_messages"):
            server.drop_database(database)
        with connected(server.url()) as administrator:
            roles = administrator.execute(
                "SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s)", [name]
            ).fetchall()
            for (role,) in roles:
                administrator.execute(f"DROP ROLE {role}")
