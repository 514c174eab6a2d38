"""What stands between a facade and the store: each wraps a runner of calls, and knows one thing."""

from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar

import attrs

from dmcore.domain.sending import Refused
from dmcore.errors import DmcoreError
from dmcore.ports.instrumentation import ASKED, CANCELLED, DEFECT, DONE, Instrumentation
from dmcore.ports.transactions import HOST, Actor, AsyncTransactions, Call, Transactions

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Question(Exception):
    """Raised where a call needs to know something from outside first; nothing is done.

    Whoever runs it asks while nothing is held, and runs it again with the answer.
    """


class Runner(Protocol):
    """How to run what blocks for somebody who awaits, for instance ``asyncio.to_thread``."""

    async def __call__(
        self, function: Callable[Given, Result], /, *args: Given.args, **kwargs: Given.kwargs
    ) -> Result:
        """What the function returns, or raises."""
        ...


@attrs.frozen
class ActingTransactions:
    """What a facade runs its calls on: every one of them says who asks, none can forget it."""

    _transactions: Transactions
    _actor: Actor

    def run(self, call: Call[Result], /) -> Result:
        return self._transactions.run(call.by(self._actor))

    def close(self) -> None:
        self._transactions.close()


@attrs.frozen
class AsyncActingTransactions:
    """The same, awaited."""

    _transactions: AsyncTransactions
    _actor: Actor

    async def run(self, call: Call[Result], /) -> Result:
        return await self._transactions.run(call.by(self._actor))

    async def close(self) -> None:
        await self._transactions.close()


@attrs.frozen
class AwaitedTransactions:
    """A blocking runner for code that awaits."""

    _transactions: Transactions
    _runner: Runner

    async def run(self, call: Call[Result], /) -> Result:
        return await self._runner(self._transactions.run, call)

    async def close(self) -> None:
        await self._runner(self._transactions.close)


@attrs.frozen
class ObservedTransactions:
    """Somebody is told of every call (OPS-3)."""

    _transactions: Transactions
    _by: Instrumentation

    def run(self, call: Call[Result], /) -> Result:
        watch = Watch(self._by, call.name, call.actor)
        try:
            return watch.answered(self._transactions.run(call))
        except BaseException as error:
            watch.failed(error)
            raise

    def close(self) -> None:
        self._transactions.close()


@attrs.frozen
class AsyncObservedTransactions:
    """The same, awaited."""

    _transactions: AsyncTransactions
    _by: Instrumentation

    async def run(self, call: Call[Result], /) -> Result:
        watch = Watch(self._by, call.name, call.actor)
        try:
            return watch.answered(await self._transactions.run(call))
        except BaseException as error:
            watch.failed(error)
            raise

    async def close(self) -> None:
        await self._transactions.close()


class Watch:
    """One call or delivery that somebody is told of. Whatever they do with it, the call goes on."""

    def __init__(self, by: Instrumentation, name: str, actor: Actor | None) -> None:
        self._end = _guarded(lambda: by.begin(name, (actor or HOST).capacity))

    def answered(self, result: Result) -> Result:
        """The result, which may be a refusal that is raised after its transaction (LIMIT-2)."""
        self._ended(result.error.code if isinstance(result, Refused) else DONE)
        return result

    def failed(self, error: BaseException) -> None:
        if isinstance(error, DmcoreError):
            self._ended(error.code)
        elif isinstance(error, Question):
            self._ended(ASKED)
        else:
            self._ended(DEFECT if isinstance(error, Exception) else CANCELLED)

    def _ended(self, outcome: str) -> None:
        end = self._end
        if end is not None:
            _guarded(lambda: end(outcome))


def _guarded(tell: Callable[[], Result]) -> Result | None:
    try:
        return tell()
    except Exception:  # noqa: BLE001 - it is the host's, may raise anything, and say anything
        return None
