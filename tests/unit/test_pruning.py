"""Removing what is kept no longer, where somebody never had anything of it."""

from datetime import timedelta

import pytest

from dmcore import Policy
from dmcore.adapters import memory
from dmcore.adapters.clock import ManualClock
from dmcore.errors import InvalidSetting

pytestmark = pytest.mark.promise("GDPR-2")


def test_who_was_never_told_of_a_message_gets_no_account_by_its_end() -> None:
    clock, store = ManualClock(), memory.Store()
    policy = Policy(messages_kept=timedelta(days=2))
    dm = memory.open_sync(policy=policy, clock=clock, store=store)
    olga = dm.operations("olga")
    olga.set_mode("on")
    dm.moderation("mod").restrict("ann", "shadow_ban", reason="spam")
    dm.mailbox("ann").start("dan", "into the void")
    before = {user.id for user in store.accounts}
    clock.advance(seconds=5 * 24 * 3600)
    assert olga.prune().messages == 1
    assert {user.id for user in store.accounts} == before
    assert olga.verify() == ()


@pytest.mark.parametrize("name", ["messages_kept", "journal_kept"])
def test_to_keep_for_no_time_is_no_setting(name: str) -> None:
    with pytest.raises(InvalidSetting):
        Policy(**{name: timedelta(0)})  # type: ignore[arg-type]
