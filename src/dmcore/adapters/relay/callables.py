"""What wraps something of the host's for the relay: a function, and who watches a consumer."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import attrs

from dmcore._runners import Watch
from dmcore.domain.events import Entry
from dmcore.ports.consumers import Consumer
from dmcore.ports.instrumentation import Instrumentation
from dmcore.ports.transactions import HOST

_NAME: Final = "relay.deliver"


@attrs.frozen
class Callback:
    """The ``Consumer`` port: calls a function with each event."""

    _function: Callable[[Entry], object]

    def deliver(self, event: Entry) -> None:
        """As the port has it."""
        self._function(event)


@attrs.frozen
class ObservedConsumer:
    """The ``Consumer`` port: another one, and ``by`` is told of every delivery (OPS-3).

    As of a call ``relay.deliver`` of the host, which ends as ``done``, with the code of an error of
    dmcore's, or as a ``defect``.
    """

    _consumer: Consumer
    _by: Instrumentation

    def deliver(self, event: Entry) -> None:
        """As the port has it."""
        watch = Watch(self._by, _NAME, HOST)
        try:
            self._consumer.deliver(event)
        except BaseException as error:
            watch.failed(error)
            raise
        watch.answered(None)


if TYPE_CHECKING:

    def _conforms(by: Instrumentation) -> tuple[Consumer, Consumer]:
        return Callback(print), ObservedConsumer(Callback(print), by)
