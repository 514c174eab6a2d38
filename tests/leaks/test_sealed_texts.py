"""What is sealed leaves its device as nothing that could be read: in no request, file or log."""

import base64
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import attrs
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from tests.leaks.canary import BODY, OTHER_BODY, UNLIMITED, Ear
from tests.web.asgi_hosts import StarletteClient, identify_scope
from tests.web.described import Api
from tests.web.desks import ROLES
from tests.web.hosts import Answer, Asked, Host
from tests.web.sealing import Person, enrolled

from dmcore.adapters import sql
from dmcore.adapters.clock import ManualClock
from dmcore.adapters.e2ee import wire
from dmcore.adapters.web import asgi

pytestmark = pytest.mark.promise("CRYPT-2", "LEAK-1")

SEALING = attrs.evolve(
    UNLIMITED, sealing="offered", blocked="absorb", reports=None, evidence="reporter_selected"
)
LONG = f"{BODY} " * 60


def spellings(trace: bytes) -> Iterator[bytes]:
    """A trace as it is, in hex, and in base64 wherever it stands in it."""
    yield from (trace, trace.hex().encode())
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + trace)
        yield encoded[-(-before * 8 // 6) : (before + len(trace)) * 8 // 6]


# A shorter one would stand in some ciphertext by chance.
TRACES = (*spellings(b"canary-body"), b"2f6c9d", b"77aa01", "\U0001f426".encode())


def is_heard(content: bytes) -> bool:
    return any(trace in content for trace in TRACES)


def heard(folder: Path) -> list[str]:
    """Files with a trace of a text in them."""
    files = (it for it in folder.rglob("*") if it.is_file())
    return [file.name for file in files if is_heard(file.read_bytes())]


class Tapped(StarletteClient):
    """A client whose line is listened to: ``overheard`` are requests with a trace in them."""

    overheard: tuple[str, ...] = ()

    def _request(self, asked: Asked) -> Answer:
        answer = super()._request(asked)
        around = f"{asked.target} {asked.headers} {answer.headers}".encode()
        if is_heard(around + asked.body + answer.body):
            self.overheard += (f"{asked.method} {asked.target}",)
        return answer


@attrs.frozen
class Scene:
    """A site on a file, and two who seal what they write to each other there."""

    client: Tapped
    api: Api
    folder: Path
    ann: Person
    bob: Person

    def talk(self) -> str:
        """All that writes a text, looks at one, or takes one away; the conversation."""
        ann, bob = self.ann, self.bob
        sent = ann.ask("POST", "/threads", {"user": "bob", **ann.seal(BODY, "bob")}).json()
        thread = sent["thread"]
        path = f"/threads/{thread}/messages"
        assert bob.read(thread, "ann") == [BODY]
        answered = bob.ask("POST", path, {**bob.seal(LONG, "ann"), "reply_to": sent["id"]}).json()
        changed = ann.seal(OTHER_BODY, "bob", edits=sent["id"])
        assert ann.ask("PATCH", f"{path}/{sent['id']}", changed).status == 200
        assert bob.ask("POST", "/users/ann/block").status == 204
        assert ann.ask("POST", path, ann.seal(BODY, "bob")).status == 201
        assert bob.ask("DELETE", "/users/ann/block").status == 204
        assert ann.read(thread, "bob") == [OTHER_BODY, LONG, BODY]
        cut = {"envelope": ann.seal(BODY, "bob")["envelope"][:-1]}
        assert ann.ask("POST", path, cut).status == 422
        report = {"thread": thread, "messages": [answered["id"]], "reason": "spam"}
        made = ann.ask("POST", "/reports", report).json()
        self.look(made["id"])
        for name in ("ann", "bob"):
            for place in ("/threads", "/export", "/snapshot", "/changes", "/devices"):
                assert self.api.ask("GET", place, user=name).status == 200
            for page in ("/", f"/t/{thread}"):
                assert self.api.host.client.request("GET", page, user=name).status == 200
        assert bob.ask("DELETE", f"{path}/{answered['id']}").status == 204
        return str(thread)

    def look(self, report: str) -> Answer:
        """As a moderator."""
        path = f"/moderation/reports/{report}"
        assert self.api.ask("POST", f"{path}/moves", user="mod", json={"move": "take"}).status < 300
        return self.api.ask("POST", f"{path}/looks", user="mod")


@pytest.fixture
def scene(sqlite_url: str, tmp_path: Path, ear: Ear) -> Iterator[Scene]:
    sql.initialise(sqlite_url)
    with sql.open_sync(sqlite_url, policy=SEALING) as dm:
        ear.listen_to(dm)
        dm.operations("olga").set_mode("on")
        messages = asgi.Messages(dm, identify=identify_scope, site=ROLES)
        client = Tapped(Starlette(routes=[Mount("/messages", app=messages.app)]))
        api = Api(Host("asgi", client, dm, ManualClock(), messages))
        yield Scene(client, api, tmp_path, enrolled(api, "ann"), enrolled(api, "bob"))
        client.close(messages.close)


def test_no_request_no_file_and_no_log_holds_what_was_sealed(scene: Scene, ear: Ear) -> None:
    """The database, its write-ahead log, what is copied of it, and whatever goes over the wire."""
    scene.talk()
    file = scene.folder / "dm.db"
    assert (scene.folder / "dm.db-wal").stat().st_size > 0
    with closing(sqlite3.connect(file)) as source:
        with closing(sqlite3.connect(scene.folder / "backup.db")) as copy:
            source.backup(copy)
        source.execute("VACUUM INTO ?", (str(scene.folder / "vacuumed.db"),))
    assert heard(scene.folder) == []
    assert scene.client.overheard == ()
    ear.heard_nothing()
    assert ear.records


def test_what_a_recipient_discloses_is_heard_and_nothing_else(scene: Scene) -> None:
    """The sweep hears a text that is there; and there it is because its reader showed it."""
    thread = scene.talk()
    ann, bob = scene.ann, scene.bob
    sent = ann.ask("POST", f"/threads/{thread}/messages", ann.seal(BODY, "bob")).json()
    bob.read(thread, "ann")
    shown = bob.device.disclosure(sent["id"])
    content = {"thread": thread, "reason": "spam", "disclosures": [wire.disclosure_to_json(shown)]}
    assert bob.ask("POST", "/reports", content).status == 201
    assert scene.client.overheard == ("POST /messages/api/reports",)
    assert {"dm.db-wal"} <= set(heard(scene.folder)) <= {"dm.db", "dm.db-wal"}


def test_the_sweep_hears_a_text_however_it_is_spelled() -> None:
    for before in range(4):
        told = bytes(before) + BODY.encode()
        for spelled in (told, told.hex().encode(), base64.b64encode(told)):
            assert is_heard(b"{" + spelled + b"}")
    assert not is_heard(base64.b64encode(bytes(100)))
