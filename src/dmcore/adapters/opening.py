"""Messaging on a runner of transactions: how an adapter, a stranger's too, makes the portable type.

Owns the defaults of what a host leaves out, and the log of screeners that break. Refuses to know
any store.
"""

import asyncio
import logging
from collections.abc import Sequence
from inspect import iscoroutinefunction
from typing import Final

import attrs

from dmcore._rules import Rules
from dmcore.adapters.clock import SystemClock
from dmcore.adapters.ids import SystemEntropy
from dmcore.direct_messages import AsyncDirectMessages, AwaitedScreenerChain, DirectMessages
from dmcore.domain.policy import Policy
from dmcore.domain.screening import Screening, Submission
from dmcore.errors import InvalidSetting
from dmcore.ports.clock import Clock
from dmcore.ports.directory import AsyncDirectory, Directory, knows_connections
from dmcore.ports.ids import Entropy
from dmcore.ports.screening import (
    AsyncScreenerChain,
    Declared,
    Screener,
    ScreenerChain,
    WhenBroken,
    checked_screeners,
    checked_when_broken,
    screened,
)
from dmcore.ports.transactions import AsyncTransactions, Transactions

_log: Final = logging.getLogger("dmcore.screening")


def open_on(
    transactions: Transactions,
    *,
    policy: Policy | None = None,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    directory: Directory | None = None,
    screeners: Sequence[Screener] = (),
    when_screener_breaks: WhenBroken = "refuse",
) -> DirectMessages:
    """Messaging on a store that is asked through ``transactions``; closing it closes them.

    ``screeners`` look at each text in their order before it is sent; a message on which one of them
    breaks is refused, or sent and flagged (MOD-5). Raises ``InvalidSetting`` for a policy with
    gates and no directory (GATE-1), for a directory that would have to be awaited, and for what is
    no screener.
    """
    chain = chain_for(screeners, when_screener_breaks)
    return DirectMessages(
        rules=rules_for(policy, clock, entropy, directory, chain, is_awaited=False),
        transactions=transactions,
        directory=directory,
        screeners=chain,
    )


def open_async_on(
    transactions: AsyncTransactions,
    *,
    policy: Policy | None = None,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    directory: AsyncDirectory | None = None,
    screeners: Sequence[Screener] = (),
    when_screener_breaks: WhenBroken = "refuse",
) -> AsyncDirectMessages:
    """As ``open_on``, for a runner that is awaited. There is nothing to await in opening itself."""
    chain = async_chain_for(screeners, when_screener_breaks)
    return AsyncDirectMessages(
        rules=rules_for(policy, clock, entropy, directory, chain, is_awaited=True),
        transactions=transactions,
        directory=directory,
        screeners=chain,
    )


@attrs.frozen
class _Chain:
    _screeners: tuple[Declared, ...]
    _when_broken: WhenBroken

    def screened(self, submission: Submission) -> Screening:
        said = screened(self._screeners, submission, when_broken=self._when_broken)
        for failure in said.failures:
            # What the error said may quote the text, so only kinds are told.
            _log.error("the screener %s broke: %s", failure.screener, failure.error)
        return said


def chain_for(
    screeners: Sequence[Screener], when_screener_breaks: WhenBroken
) -> ScreenerChain | None:
    """The chain of a handle; ``None`` without screeners. Raises ``InvalidSetting``."""
    when_broken = checked_when_broken(when_screener_breaks)
    checked = checked_screeners(screeners)
    return _Chain(checked, when_broken) if checked else None


def async_chain_for(
    screeners: Sequence[Screener], when_screener_breaks: WhenBroken
) -> AsyncScreenerChain | None:
    """The same, asked on another thread than the event loop's. Raises ``InvalidSetting``."""
    chain = chain_for(screeners, when_screener_breaks)
    return None if chain is None else AwaitedScreenerChain(chain, asyncio.to_thread)


def rules_for(
    policy: Policy | None,
    clock: Clock | None,
    entropy: Entropy | None,
    directory: object,
    screeners: object = None,
    *,
    is_awaited: bool,
) -> Rules:
    """The rules of a handle, with the defaults for what is left out. Raises ``InvalidSetting``."""
    if directory is not None:
        _check_directory(directory, is_awaited=is_awaited)
    return Rules(
        policy=Policy() if policy is None else policy,
        clock=SystemClock() if clock is None else clock,
        entropy=SystemEntropy() if entropy is None else entropy,
        has_directory=directory is not None,
        has_connections=knows_connections(directory),
        has_screeners=screeners is not None,
    )


def _check_directory(directory: object, *, is_awaited: bool) -> None:
    """Or the first question, and not the host's start, would show that it has the other colour."""
    introduce = getattr(directory, "introduce", None)
    if not callable(introduce) or iscoroutinefunction(introduce) is not is_awaited:
        kind = "a coroutine function" if is_awaited else "a function that needs no await"
        raise InvalidSetting("directory", f"must have an introduce that is {kind}")
