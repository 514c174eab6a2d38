"""Every error a host can meet, on one page.

A host switches on the class or on ``code``, never on words. ``http_status`` is a hint for web
adapters. ``details`` holds only what may be shown to the person who acted: no message text, no
other person's secret, no address of a database (promise LEAK-1).
"""

from datetime import timedelta
from typing import ClassVar


class DmcoreError(Exception):
    """The one base of all errors raised by dmcore."""

    code: ClassVar[str] = "error"
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, /, **details: str | int | float) -> None:
        super().__init__(message)
        self.details: dict[str, str | int | float] = details

    def __reduce__(self) -> tuple[object, ...]:
        # Subclasses take other arguments than the one text that Exception keeps; a host may send
        # an error between processes all the same.
        return _restored, (type(self), self.args), self.__dict__


def _restored(kind: type[DmcoreError], args: tuple[object, ...]) -> DmcoreError:
    error = kind.__new__(kind)
    error.args = args
    return error


# What a caller handed in -----------------------------------------------------------------------


class InvalidId(DmcoreError):
    """A user, tenant, conversation or message id is not in valid form.

    ``details``: ``kind`` (which id) and ``reason``. Source: spec section 1.
    """

    code = "invalid_id"
    http_status = 422

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(f"not a valid {kind} id: {reason}", kind=kind, reason=reason)


class InvalidBody(DmcoreError):
    """A message text was refused; ``details["reason"]`` is a ``BodyReason`` value (MSG-1)."""

    code = "invalid_body"
    http_status = 422

    def __init__(self, reason: str, explanation: str, **bounds: int) -> None:
        super().__init__(explanation, reason=reason, **bounds)


class InvalidKey(DmcoreError):
    """An idempotency key is not in valid form (MSG-3)."""

    code = "invalid_key"
    http_status = 422

    def __init__(self, reason: str) -> None:
        super().__init__(f"not a valid idempotency key: {reason}", reason=reason)


class InvalidCursor(DmcoreError):
    """A cursor is damaged, or was issued for another list, another user or another conversation."""

    code = "invalid_cursor"
    http_status = 422

    def __init__(self) -> None:
        super().__init__("this cursor does not belong to this list")


class InvalidPageSize(DmcoreError):
    """A page size is not a whole number in 1..100 (PAGE-1)."""

    code = "invalid_page_size"
    http_status = 422

    def __init__(self, largest: int) -> None:
        super().__init__(f"a page holds 1 to {largest} items", largest=largest)


class InvalidSetting(DmcoreError):
    """A policy value, a URL or another setting cannot be used.

    ``details``: ``setting`` (its name) and ``reason``; never the value, which may hold a password.
    """

    code = "invalid_setting"
    http_status = 500

    def __init__(self, setting: str, reason: str) -> None:
        super().__init__(f"{setting}: {reason}", setting=setting, reason=reason)


class CursorExpired(DmcoreError):
    """What follows this place in the feed is not kept any more: take a snapshot (FEED-1)."""

    code = "cursor_expired"
    http_status = 410

    def __init__(self) -> None:
        super().__init__("the feed is not kept from here on any more: take a snapshot")


class CannotMessageYourself(DmcoreError):
    """A pair needs two different users (PAIR-3)."""

    code = "cannot_message_yourself"
    http_status = 422

    def __init__(self) -> None:
        super().__init__("a conversation needs two different people")


# What the product refuses ----------------------------------------------------------------------


class AccessDenied(DmcoreError):
    """The thing does not exist or is not the acting user's: one error, one text (CONV-1)."""

    code = "access_denied"
    http_status = 403

    def __init__(self) -> None:
        super().__init__("there is no such thing here for you")


class KeyConflict(DmcoreError):
    """The same idempotency key came with another text; nothing was stored (MSG-3)."""

    code = "key_conflict"
    http_status = 409

    def __init__(self) -> None:
        super().__init__("this idempotency key was already used for another message")


class MessagingUnavailable(DmcoreError):
    """The operator's switch does not allow this now; ``details["mode"]`` names it (OPS-1)."""

    code = "messaging_unavailable"
    http_status = 503

    def __init__(self, mode: str) -> None:
        super().__init__(f"messaging does not allow this now: it is {mode}", mode=mode)


class YouBlockedThem(DmcoreError):
    """The acting user blocks the recipient; unblocking lifts it (BLOCK-1)."""

    code = "you_blocked_them"
    http_status = 409

    def __init__(self) -> None:
        super().__init__("you have blocked this person")


class RecipientUnavailable(DmcoreError):
    """The recipient cannot be written to. The cause is never told apart (BLOCK-2)."""

    code = "recipient_unavailable"
    http_status = 403

    def __init__(self) -> None:
        super().__init__("this person cannot receive messages from you")


class UnknownUser(DmcoreError):
    """The host knows no such user in this tenant; whether in another one is not told (TEN-1)."""

    code = "unknown_user"
    http_status = 404

    def __init__(self) -> None:
        super().__init__("there is no such user")


class StartRefused(DmcoreError):
    """The product lets nobody like the acting user start a conversation with the other (GATE-1)."""

    code = "start_refused"
    http_status = 403

    def __init__(self) -> None:
        super().__init__("you cannot start a conversation with this person")


class UpgradeRequired(DmcoreError):
    """A subscription of the acting user would allow this start (GATE-1)."""

    code = "upgrade_required"
    http_status = 402

    def __init__(self) -> None:
        super().__init__("starting this conversation needs a subscription")


class NotAcceptedYet(DmcoreError):
    """The conversation awaits acceptance, and its sender has written all they may until then.

    Whether it was declined or not looked at is never told apart (REQ-1).
    """

    code = "not_accepted_yet"
    http_status = 409

    def __init__(self, most: int) -> None:
        super().__init__("you can write again when this person answers", most=most)


class NoRequest(DmcoreError):
    """The conversation is no request to the acting user: there is nothing to decline (REQ-1)."""

    code = "no_request"
    http_status = 409

    def __init__(self) -> None:
        super().__init__("this conversation is not a request")


class TooLateToEdit(DmcoreError):
    """A message can be changed for a while only, and not after it was deleted (MSG-5)."""

    code = "too_late_to_edit"
    http_status = 409

    def __init__(self) -> None:
        super().__init__("this message can no longer be changed")


class LimitReached(DmcoreError):
    """A rate limit refuses this attempt, which cost nothing (LIMIT-1).

    ``limit`` is ``"messages"`` or ``"starts"``; the same attempt made ``retry_after`` later is the
    first that every limit allows, if nothing else is sent meanwhile.
    """

    code = "limit_reached"
    http_status = 429

    def __init__(self, limit: str, retry_after: timedelta) -> None:
        seconds = retry_after.total_seconds()
        super().__init__(
            f"too many {limit}: try again in {seconds:g} s", limit=limit, retry_after_s=seconds
        )
        self.limit = limit
        self.retry_after = retry_after


# What the store cannot do ----------------------------------------------------------------------


class StoreError(DmcoreError):
    """The message store could not do its work; nothing of this attempt was stored.

    The one exception is a connection lost while the commit was under way: then the outcome is not
    known, and repeating the call with the same idempotency key finds out (MSG-3).
    """

    code = "store_error"
    http_status = 503


class StoreUnavailable(StoreError):
    """The store cannot be reached, opened or written to."""

    code = "store_unavailable"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the message store is unavailable: {reason}", reason=reason)


class StoreBusy(StoreError):
    """Other writers held the store for longer than an attempt may wait; try again."""

    code = "store_busy"

    def __init__(self) -> None:
        super().__init__("the message store is busy: try again")


class StoreRefused(StoreError):
    """The store refused rows that the domain thought valid: a defect, or a hand in the database."""

    code = "store_refused"
    http_status = 500

    def __init__(self, rule: str) -> None:
        super().__init__(f"the message store refused a change by its rule {rule}", rule=rule)


class NotInitialised(StoreError):
    """The database holds no dmcore tables yet; ``dmcore init`` makes them (OPS-6)."""

    code = "not_initialised"

    def __init__(self) -> None:
        super().__init__("this database is not set up for dmcore: run `dmcore init` on it first")


class WrongSchema(StoreError):
    """The database was set up by another schema version of dmcore (OPS-6)."""

    code = "wrong_schema"

    def __init__(self, found: int, expected: int) -> None:
        super().__init__(
            f"the database has schema version {found}, this dmcore needs {expected}",
            found=found,
            expected=expected,
        )
