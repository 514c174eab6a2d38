"""What the conformance suite asks of an adapter's author: one class, the harness of a store.

Owns the contract of that class. Refuses to know any store, and any test framework.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from dmcore.direct_messages import DirectMessages
from dmcore.domain.policy import Policy
from dmcore.ports.clock import Clock
from dmcore.ports.directory import Directory
from dmcore.ports.ids import Entropy
from dmcore.ports.screening import Screener, WhenBroken

Contents = Mapping[str, object]


class Harness(ABC):
    """One store of one test, which begins empty and with its switch off.

    The fixture ``harness``, which the author of an adapter writes, makes one for each test and
    closes it afterwards. It is asked from one thread; what it opened is asked from many.
    """

    @abstractmethod
    def open(
        self,
        *,
        policy: Policy,
        clock: Clock,
        entropy: Entropy,
        directory: Directory | None = None,
        screeners: Sequence[Screener] = (),
        when_screener_breaks: WhenBroken = "refuse",
    ) -> DirectMessages:
        """Messaging on this store, as one more process of a host would open it.

        It is called any number of times in a test, and all that it opened MUST be good at the same
        time, each under its own policy. What was given MUST be used as it is: tests set the clock
        by hand and draw the same ids again. An adapter that is awaited is opened by way of
        ``dmcore.testing.blocking.Loops``, and its directory is an ``AwaitedDirectory``.
        """

    @abstractmethod
    def contents(self) -> Contents:
        """Everything that is committed and kept.

        Two answers MUST be equal where nothing was changed in between, and MUST differ where
        anything was: tests of refusals compare the answers before and after. Texts MUST stand in it
        as they are stored, as ``str``, ``bytes`` or ``Body`` within mappings, lists, tuples and
        attrs values: tests of what must be gone look for it there. It MUST be read past dmcore,
        from the store itself, and MUST NOT hold anything when it returns.
        """

    @abstractmethod
    def clear(self) -> None:
        """Back to how the store began: empty, its switch off, under the same namespace.

        It is called only while nothing is under way. What was opened before is not asked any more.
        """

    @abstractmethod
    def close(self) -> None:
        """The end of the test: close whatever was opened and is still open.

        It SHOULD fail where a connection, a lock or a transaction is still in use then: that is
        how a leak is found.
        """
