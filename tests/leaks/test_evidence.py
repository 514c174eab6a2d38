"""What a reporter chose to show is shown to one moderator, and to no log and in no error."""

from collections.abc import Callable, Iterator

import attrs
import pytest
from sqlalchemy import create_engine, text
from tests.leaks.canary import ANN, BOB, BODY, OTHER_BODY, SECRETS, UNLIMITED, Ear

from dmcore import DirectMessages, Message, errors
from dmcore.adapters import sql
from dmcore.adapters.sql import _transactions

pytestmark = pytest.mark.promise("LEAK-1", "MOD-2")

SHOWING = attrs.evolve(UNLIMITED, evidence="reporter_selected", reports=None)


@attrs.frozen
class Scene:
    """A conversation, and a way to spoil its database."""

    dm: DirectMessages
    url: str
    messages: tuple[Message, ...]

    def report(self) -> object:
        sent = self.messages[0]
        chosen = [it.id for it in self.messages]
        box = self.dm.mailbox(ANN)
        return box.report(conversation=sent.conversation, messages=chosen, reason="spam").id

    def execute(self, statement: str) -> None:
        engine = create_engine(self.url)
        with engine.begin() as connection:
            connection.execute(text(statement))
        engine.dispose()


@pytest.fixture(params=["sqlite_url", "postgres_url"])
def scene(
    request: pytest.FixtureRequest, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Scene]:
    monkeypatch.setattr(_transactions, "_PATIENCE_S", 0.02)
    url: str = request.getfixturevalue(request.param)
    sql.initialise(url)
    with sql.open_sync(url, policy=SHOWING, pool_size=1) as dm:
        ear.listen_to(dm)
        dm.operations("olga").set_mode("on")
        first = dm.mailbox(BOB).start(ANN, BODY)
        second = dm.mailbox(BOB).send(first.conversation, OTHER_BODY)
        yield Scene(dm, url, (first, second))


def test_a_look_shows_the_texts_to_nobody_else(scene: Scene, ear: Ear) -> None:
    desk = scene.dm.moderation("mod")
    made = str(scene.report())
    desk.take(made)
    found = desk.evidence(made)
    assert [it.body and it.body.text for it in found] == [BODY, OTHER_BODY]
    assert not [secret for secret in SECRETS if secret in repr(found)]
    desk.dismiss(made)
    assert isinstance(ear.refusal(lambda: desk.evidence(made)), errors.EvidenceDenied)
    ear.heard_nothing()


@pytest.mark.parametrize(
    "spoil",
    [
        "DROP TABLE dm_evidence",
        "CREATE UNIQUE INDEX one ON dm_evidence (sender)",
        "CREATE UNIQUE INDEX one ON dm_report_message (report_id)",
    ],
)
def test_a_database_that_complains_about_evidence_tells_nothing(
    scene: Scene, ear: Ear, spoil: str
) -> None:
    scene.execute(spoil)
    before = scene.dm.operations("olga").audit(ANN)
    assert isinstance(ear.refusal(scene.report), errors.StoreError)
    assert scene.dm.operations("olga").audit(ANN) == before
    assert scene.dm.moderation("mod").reports().items == ()
    ear.heard_nothing()


def test_a_refused_report_tells_nothing_of_what_was_chosen(scene: Scene, ear: Ear) -> None:
    here = scene.messages[0].conversation
    box, desk = scene.dm.mailbox("cyd"), scene.dm.moderation("mod")
    made = str(scene.report())
    attempts: tuple[Callable[[], object], ...] = (
        lambda: box.report(conversation=here, reason="spam"),
        lambda: scene.dm.mailbox(ANN).report(BOB, reason=BODY),
        lambda: scene.dm.mailbox(ANN).report(ANN, reason="spam"),
        lambda: desk.resolve(made, BODY),
        lambda: desk.resolve(made, "warned"),
        lambda: desk.reports(state=BODY),
        lambda: desk.evidence(made),
        lambda: scene.dm.moderation(BOB).take(made),
    )
    for attempt in attempts:
        ear.refusal(attempt)
    ear.heard_nothing()
