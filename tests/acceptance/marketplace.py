"""Talent as it is served, and people who join it as a visitor does.

Django has one configuration for a process, and these tests share theirs with others: so it runs in
a process of its own, and is asked over HTTP.
"""

import itertools
import json
import re
import sqlite3
from contextlib import closing
from typing import Any, Final

import attrs
from tests.acceptance.serving import Served
from tests.acceptance.windows import HttpWindow
from tests.web.browsing import Page

SUBSCRIPTIONS: Final = ("active", "inactive", "expired")
SUBSCRIBERS: Final = ("professional", "company")
_numbers = itertools.count()


@attrs.frozen
class Member:
    """Somebody in front of the marketplace, signed in."""

    window: HttpWindow
    id: str
    name: str

    def get(self, path: str) -> Page:
        return self.window.get(path)

    def profile(self) -> str:
        """Where others find them."""
        return f"/members/{self.id}"

    def write(self, other: "Member", text: str) -> Page:
        """Write through the form of a first message, with whatever that leads to."""
        form = {"user": other.id, "body": text, "key": f"key-{next(_numbers)}"}
        return self.window.post("/messages/start", form)

    def open(self, other: "Member") -> Page:
        """Press the button on a profile."""
        return self.window.press(self.get(other.profile()), "Message")

    def asked(self, path: str) -> Any:
        """What the interface answers."""
        answer = self.window.ask("GET", f"/messages/api{path}")
        assert answer.status == 200, answer.text
        return json.loads(answer.text)

    def unread(self) -> int:
        return int(self.asked("/unread-count")["unread"])

    def subscribe(self) -> None:
        self.window.press(self.get("/subscription"), "Subscribe for a month")

    def unsubscribe(self) -> None:
        self.window.press(self.get("/subscription"), "End it now")


@attrs.frozen
class Marketplace:
    """The site, and how somebody joins it."""

    served: Served

    def join(self, role: str = "", subscription: str = "inactive") -> Member:
        """A new member. The role ``admin`` is given by Django's own ``is_staff``."""
        name, window = f"new-{next(_numbers)}", HttpWindow(self.served.address)
        form = window.get("/sign-in")
        page = window.press(
            form, "Register", username=name, role="" if role in {"admin", "none"} else role
        )
        found = re.search(r'href="/members/(\d+)">' + name, page.answer.text)
        assert found is not None
        member = Member(window, found[1], name)
        if subscription != "inactive":
            if role in SUBSCRIBERS:
                member.subscribe()
            else:  # to whom none is sold; they may have paid in another role
                later = "UPDATE talent_member SET paid_until = '2999-01-01' WHERE id = ?"
                self.change(later, member.id)
        if subscription == "expired":
            member.unsubscribe()
        if role == "admin":
            self.change("UPDATE talent_member SET is_staff = 1 WHERE id = ?", member.id)
        return member

    def change(self, statement: str, *values: str) -> None:
        """What somebody does in the marketplace's own database."""
        with closing(sqlite3.connect(self.served.folder / "talent.db")) as database, database:
            assert database.execute(statement, values).rowcount == 1
