"""What a moderator decides ends a stream, or is not to be noticed at all (MOD-4)."""

import pytest
from tests.web.live.scene import Stage, comes_true
from tests.web.live.test_live_signals import (
    AWAY,
    THERE,
    presence,
    told_before,
    types,
    written_to_and_fro,
)

from dmcore import DirectMessages
from dmcore.errors import Suspended


@pytest.mark.promise("MOD-4")
def test_the_stream_of_who_is_suspended_ends_and_none_begins(
    stage: Stage, dm: DirectMessages
) -> None:
    ann, bob = stage.connected("ann"), stage.connected("bob")
    for client in (ann, bob):
        client.next("hello")
    desk = dm.moderation("mod")
    desk.restrict("ann", "suspend", reason="other")
    end = ann.next("closed", "changes")
    assert (end.name, end.content, end.id) == ("closed", {"reason": "suspended"}, None)
    assert ann.rest() == []
    assert stage.is_free("ann")
    with pytest.raises(Suspended):
        stage.opened("ann", None)
    assert stage.is_free("ann")
    assert told_before(bob, dm, "bob") == []
    desk.lift("ann", "suspend")
    stage.connected("ann").next("hello")


@pytest.mark.promise("MOD-4")
def test_nobody_is_told_that_who_is_shadow_banned_writes_or_is_there(
    stage: Stage, dm: DirectMessages
) -> None:
    conversation = written_to_and_fro(dm, "bob")
    clients = {user: stage.connected(user) for user in ("ann", "bob")}
    for client in clients.values():
        client.next("hello")
    assert comes_true(lambda: presence(stage, "bob", conversation) == THERE)
    dm.moderation("mod").restrict("ann", "shadow_ban", reason="other")
    for user in clients:
        types(stage, user, conversation)
    assert presence(stage, "bob", conversation) == AWAY
    assert told_before(clients["bob"], dm, "bob") == []
    # To herself all is as ever.
    assert told_before(clients["ann"], dm, "ann") == ["bob"]
    assert presence(stage, "ann", conversation).is_present
