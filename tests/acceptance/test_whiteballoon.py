"""WhiteBalloon: what a mutual-aid instance wants of messages, at its Starlette host.

The site runs in a process of its own, and everybody looks at it in a browser without JavaScript.
"""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import attrs
import pytest
from playwright.sync_api import Page, expect
from tests.acceptance.conftest import Visit
from tests.acceptance.serving import Served
from tests.browser.faults import cut_off, faults
from tests.browser.people import PATIENCE_MS, Visitor

from dmcore.adapters import sql
from dmcore.errors import SharedDatabase

SECRET = "the zebra sleeps in the blue shed tonight"
NAMES = {
    "rosa": "Rosa Delgado",
    "amir": "Amir Haddad",
    "june": "June Park",
    "teo": "Teo Lindgren",
    "nadia": "Nadia Osei",
}


@attrs.frozen
class Place:
    """One WhiteBalloon, and ways to look at it."""

    served: Served
    visit: Visit

    def somebody(self, name: str, **options: object) -> Visitor:
        """Somebody who signed in, at a browser in which no script runs."""
        visitor = self.nobody(**options)
        visitor.page.goto(f"{self.served.address}/sign-in")
        visitor.page.get_by_role("button", name=NAMES[name]).click()
        expect(visitor.page.get_by_role("heading", level=1)).to_contain_text("Hello")
        return visitor

    def nobody(self, **options: object) -> Visitor:
        """Somebody who did not."""
        return self.visit(self.served.address, **{"java_script_enabled": False, **options})

    def go(self, visitor: Visitor, path: str) -> Page:
        visitor.page.goto(self.served.address + path)
        return visitor.page

    def asked(self, visitor: Visitor, path: str) -> tuple[int, str]:
        """What is answered to this browser, status and text."""
        answer = visitor.context.request.get(self.served.address + path, max_redirects=0)
        return answer.status, answer.text()

    def figures(self, visitor: Visitor) -> dict[str, float]:
        """The metrics as a machine reads them."""
        status, text = self.asked(visitor, "/metrics")
        assert status == 200
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    @property
    def message_url(self) -> str:
        return f"sqlite:///{self.served.folder / 'messages.db'}"

    @property
    def host_url(self) -> str:
        return f"sqlite:///{self.served.folder / 'host.db'}"

    def host(self) -> sqlite3.Connection:
        """The host's own database."""
        return sqlite3.connect(self.served.folder / "host.db")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served("whiteballoon", tmp_path_factory.mktemp("whiteballoon")) as served:
        with sql.open_sync(f"sqlite:///{served.folder / 'messages.db'}") as dm:
            dm.operations("rosa").set_mode("on")
        yield served
        assert served.end() == (0, "")


@pytest.fixture
def place(served: Served, visit: Visit) -> Place:
    """A WhiteBalloon where messaging is on."""
    return Place(served, visit)


def dmcore(*arguments: str) -> tuple[int, str]:
    """The command, in a process of its own: how it ended, and what it said."""
    environment = {"COLUMNS": "200", "NO_COLOR": "1", **os.environ}
    command = [str(Path(sys.executable).with_name("dmcore")), *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, timeout=60
    )
    return done.returncode, done.stdout + done.stderr


def write(place: Place, visitor: Visitor, other: str, text: str) -> str:
    """Write to somebody from their profile; returns where the conversation is."""
    page = place.go(visitor, f"/people/{other}")
    page.get_by_role("button", name="Message").click()
    return send(page, text)


def send(page: Page, text: str) -> str:
    page.get_by_role("textbox").fill(text)
    page.get_by_role("button", name="Send").click()
    expect(page.locator("[data-dm-message] .dm-body").last).to_have_text(text)
    return page.url


def until(page: Page, holds: Callable[[], bool]) -> None:
    """Load the page again until it says so: what the relay brings comes a little later."""
    given_up_at = time.monotonic() + PATIENCE_MS / 1000
    while not holds():
        assert time.monotonic() < given_up_at, "it never came"
        page.reload()


def badge(visitor: Visitor) -> str:
    """What the navigation says is unread."""
    mark = visitor.page.locator(".bar [data-dm-badge]")
    return mark.locator("[aria-hidden]").inner_text() if mark.is_visible() else ""


def test_messaging_is_off_until_an_admin_turns_it_on_with_one_click(
    tmp_path: Path, visit: Visit
) -> None:
    with Served("whiteballoon", tmp_path) as served:
        place = Place(served, visit)
        amir, rosa = place.somebody("amir"), place.somebody("rosa")
        amir.may_fail = True
        links = amir.page.get_by_role("navigation").get_by_role("link", name="Messages")

        expect(links).to_have_count(0)
        expect(place.go(amir, "/people/june").locator(".who")).to_contain_text("not available")
        assert place.asked(amir, "/messages/")[0] == 503
        assert place.asked(amir, "/admin")[0] == 404
        turned = amir.context.request.post(
            f"{served.address}/admin/messaging", form={"messaging": "on"}
        )
        assert turned.status == 404
        before = place.figures(rosa)
        assert before['whiteballoon_messaging_mode{mode="off"}'] == 1
        assert before['whiteballoon_messaging_mode{mode="on"}'] == 0
        assert not [name for name in before if "set_mode" in name]

        page = place.go(rosa, "/admin")
        expect(page.locator("[data-figure=mode]")).to_have_text("off")
        page.get_by_role("button", name="Turn messaging on").click()
        expect(page.get_by_role("heading", name="Messaging is on")).to_be_visible()
        expect(page.locator("[data-figure=mode]")).to_have_text("on")
        expect(page.locator("[data-figure=turned]")).to_have_text("1")
        after = place.figures(rosa)
        assert after['whiteballoon_messaging_mode{mode="off"}'] == 0
        assert after['whiteballoon_messaging_mode{mode="on"}'] == 1
        by_whom = 'call="set_mode",capacity="operator",outcome="done"'
        assert after[f"whiteballoon_calls_total{{{by_whom}}}"] == 1
        assert json.loads(place.asked(amir, "/messages/health")[1])["mode"] == "on"
        amir.page.reload()
        expect(links).to_be_visible()
        expect(amir.page.get_by_role("button", name="Message")).to_be_visible()

        page.get_by_role("button", name="Turn messaging off").click()
        expect(page.locator("[data-figure=mode]")).to_have_text("off")
        assert place.figures(rosa)['whiteballoon_messaging_mode{mode="off"}'] == 1
        amir.page.reload()
        expect(links).to_have_count(0)


def test_a_message_is_written_from_a_profile(place: Place) -> None:
    amir, stranger = place.somebody("amir"), place.nobody()
    write(place, amir, "june", "I can water the tomatoes.")
    expect(amir.page.locator("#dm-thread-title")).to_have_text("June Park")
    again = place.go(amir, "/people/june").get_by_role("button", name="Message")
    again.click()
    expect(amir.page.locator("[data-dm-message]")).to_have_count(1)

    for path in ("/people/amir", "/people/nobody"):
        amir.may_fail = True
        page = place.go(amir, path)
        expect(page.get_by_role("button", name="Message")).to_have_count(0)
    page = place.go(stranger, "/people/june")
    expect(page.get_by_role("button", name="Message")).to_have_count(0)
    expect(page.get_by_role("link", name="Sign in to write")).to_be_visible()


def test_navigation_and_dashboard_say_how_much_is_unread(place: Place) -> None:
    teo, nadia = place.somebody("teo"), place.somebody("nadia")
    there = write(place, teo, "nadia", "The sofa, is it heavy?")
    send(teo.page, "I can bring a belt.")

    waiting = nadia.page.get_by_role("region", name="Messages")
    until(place.go(nadia, "/"), lambda: "2 unread, from 1 person" in waiting.inner_text())
    assert badge(nadia) == "2"
    expect(nadia.page.locator(".rows")).to_contain_text("Teo Lindgren")
    assert badge(teo) == ""
    expect(place.go(teo, "/").get_by_role("region", name="Messages")).to_contain_text("Nothing")

    nadia.page.get_by_role("link", name="Teo Lindgren").click()
    assert nadia.page.url.partition("#")[0] == there.partition("#")[0]
    assert badge(nadia) == "2", "looking marks nothing"
    nadia.page.get_by_role("button", name="Mark as read").click()
    assert badge(nadia) == ""
    until(place.go(nadia, "/"), lambda: "Nothing unread" in waiting.inner_text())


def test_one_replies_from_the_inbox(place: Place) -> None:
    june, rosa = place.somebody("june"), place.somebody("rosa")
    write(place, june, "rosa", "Is the van free on Saturday?")
    page = place.go(rosa, "/")
    page.get_by_role("navigation").get_by_role("link", name="Messages").click()
    page.get_by_role("link", name="June Park").click()
    send(page, "From noon on.")
    page = place.go(june, "/messages/")
    expect(page.locator("[data-dm-entry]").first).to_contain_text("From noon on.")
    page.get_by_role("link", name="Rosa Delgado").click()
    expect(page.locator("[data-dm-message] .dm-body")).to_have_text(
        ["Is the van free on Saturday?", "From noon on."]
    )


def test_the_whole_way_goes_without_javascript(place: Place) -> None:
    """From the sign-in to the sign-out: write, take back, block, choose, look at what is kept."""
    rosa, teo = place.somebody("rosa"), place.somebody("teo")
    write(place, rosa, "teo", "Hello Teo")
    send(rosa.page, "This is for somebody else")
    wrong = rosa.page.locator("[data-dm-message]", has_text="somebody else")
    wrong.locator("summary").first.click()
    wrong.get_by_text("Delete").first.click()
    wrong.get_by_role("button", name="Delete").click()
    expect(rosa.page.locator("[data-dm-message] .dm-body").last).to_contain_text("deleted")
    expect(rosa.page.get_by_text("somebody else")).to_have_count(0)

    page = place.go(teo, "/messages/")
    page.get_by_role("link", name="Rosa Delgado").click()
    page.locator(".dm-thread-menu summary").first.click()
    page.get_by_role("button", name="Block").click()
    expect(page.get_by_role("button", name="Unblock").last).to_be_visible()
    rosa.may_fail = True
    rosa.page.get_by_role("textbox").fill("Are you there?")
    rosa.page.get_by_role("button", name="Send").click()
    expect(rosa.page.get_by_role("alert")).to_be_visible()
    page = place.go(teo, "/messages/blocked")
    page.get_by_role("button", name="Unblock Rosa Delgado").click()
    expect(page.get_by_text("You have blocked nobody.")).to_be_visible()

    page = place.go(teo, "/messages/settings")
    page.get_by_label("That you have seen a message").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("saved")
    place.go(teo, "/messages/privacy")
    page.get_by_role("button", name="Sign out").click()
    teo.may_fail = True
    page = place.go(teo, "/messages/")
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
    assert place.asked(teo, "/messages/")[0] == 401
    scripts = [it for it in (*rosa.requested, *teo.requested) if "/api/" in it or ".js" in it]
    assert scripts == []


@pytest.mark.promise("OPS-2")
def test_messages_are_in_a_database_of_their_own_and_the_host_has_references_only(
    place: Place,
) -> None:
    amir, rosa = place.somebody("amir"), place.somebody("rosa")
    there = write(place, amir, "rosa", f"Hello Rosa, {SECRET}").partition("#")[0]
    conversation = there.rpartition("/")[2]
    waiting = rosa.page.get_by_role("region", name="Messages")
    until(place.go(rosa, "/"), lambda: "Amir Haddad" in waiting.inner_text())

    with closing(place.host()) as host:
        tables = {name for (name,) in host.execute("SELECT name FROM sqlite_schema WHERE sql > ''")}
        row = host.execute("SELECT * FROM dm_reference WHERE user_id = 'rosa' AND unread = 1")
        names = [column[0] for column in row.description]
        (found,) = [it for it in row if conversation in it]
    assert tables == {"person", "need", "dm_reference"}
    assert names == ["tenant", "user_id", "other_id", "conversation", "unread", "position"]
    assert found[:5] == ("", "rosa", "amir", conversation, 1)
    files = {it.name: it.read_bytes() for it in place.served.folder.iterdir()}
    holding = {name for name, content in files.items() if SECRET.encode() in content}
    assert holding
    assert all(name.startswith("messages.db") for name in holding)

    with pytest.raises(SharedDatabase):
        sql.open_sync(place.message_url, host_url=place.message_url)


@pytest.mark.promise("OPS-2")
def test_a_command_shows_that_the_host_holds_references_only(place: Place) -> None:
    nadia = place.somebody("nadia")
    write(place, nadia, "rosa", f"Dear Rosa, {SECRET}")
    verify = ("verify", "--url", place.message_url, "--host-url", place.host_url)
    ended, said = dmcore(*verify)
    assert (ended, "Sound" in said, "all there are" in said) == (0, True, True), said

    with closing(place.host()) as host:
        host.execute("CREATE TABLE digest (person TEXT, line TEXT)")
        host.execute("INSERT INTO digest VALUES ('rosa', ?)", [f"Dear Rosa, {SECRET}"])
        host.commit()
        try:
            ended, said = dmcore(*verify)
        finally:
            host.execute("DROP TABLE digest")
            host.commit()
    assert (ended, "column digest.line" in said, SECRET in said) == (1, True, False), said


@pytest.mark.promise("OPS-4")
def test_messages_have_backups_of_their_own(place: Place, tmp_path: Path) -> None:
    june = place.somebody("june")
    write(place, june, "nadia", f"Dear Nadia, {SECRET}")
    copy, back = tmp_path / "monday", f"sqlite:///{tmp_path / 'back.db'}"
    ended, said = dmcore("backup", str(copy), "--url", place.message_url)
    assert (ended, SECRET in said) == (0, False), said
    kept = b"".join(it.read_bytes() for it in copy.iterdir())
    assert f"Dear Nadia, {SECRET}".encode() in kept
    assert b"tomatoes, every other" not in kept
    assert b"CREATE TABLE person" not in kept

    assert sql.restore(back, copy, host_url=place.host_url).findings == ()
    with sql.open_sync(back) as dm:
        assert dm.operations("rosa").mode() == "off"
        dm.operations("rosa").set_mode("on")
        texts = [it.preview.body for it in dm.mailbox("june").inbox().items if it.preview]
        assert f"Dear Nadia, {SECRET}" in [body.text for body in texts if body]


@pytest.mark.promise("OPS-3", "LEAK-1")
def test_operational_figures_count_and_tell_nothing_of_what_or_who(place: Place) -> None:
    teo, rosa = place.somebody("teo"), place.somebody("rosa")
    before = place.figures(rosa)
    write(place, teo, "amir", f"Hello Amir, {SECRET}")
    after = place.figures(rosa)
    started = 'whiteballoon_calls_total{call="start",capacity="participant",outcome="done"}'
    for name in ("whiteballoon_messages", "whiteballoon_conversations", started):
        assert after[name] - before.get(name, 0) == 1
    assert not [name for name in after if "defect" in name]
    page = place.go(rosa, "/admin")
    expect(page.locator("[data-figure=messages]")).to_have_text(
        f"{after['whiteballoon_messages']:g}"
    )
    figures = page.get_by_role("region", name="Figures").inner_text()
    for text in (figures, place.asked(rosa, "/metrics")[1]):
        assert "start" in text
        assert not [word for word in (SECRET, "zebra", *NAMES, *NAMES.values()) if word in text]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_site_can_be_used_by_everybody(place: Place, axe: str, theme: str) -> None:
    look = {"color_scheme": theme, "bypass_csp": True, "viewport": {"width": 320, "height": 600}}
    rosa = place.somebody("rosa", java_script_enabled=True, **look)
    rosa.may_fail = True  # of one page there is none
    for path in ("/", "/people", "/people/amir", "/people/x", "/sign-in", "/admin"):
        page = place.go(rosa, path)
        assert (path, faults(rosa, axe), cut_off(rosa)) == (path, [], []), page.url
