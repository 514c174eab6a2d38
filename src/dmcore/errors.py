"""Every error a host can meet, on one page, however long it gets: it is read as a list.

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


class ChoiceNotOffered(InvalidSetting):
    """A user chose what this host has nothing for: connections, without a directory (PREF-1).

    ``details`` as those of ``InvalidSetting``.
    """

    code = "choice_not_offered"
    http_status = 422


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


class AccountErased(DmcoreError):
    """The acting user was erased: under this id nothing can be done or read any more (GDPR-1)."""

    code = "account_erased"
    http_status = 410

    def __init__(self) -> None:
        super().__init__("this account was erased")


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


class Muted(DmcoreError):
    """The acting user may read and not write, by a moderator's decision (MOD-4).

    The same attempt can succeed ``retry_after`` later; ``None`` where nobody knows when.
    """

    code = "muted"
    http_status = 403

    def __init__(self, retry_after: timedelta | None) -> None:
        super().__init__("you cannot write messages at the moment", **_wait(retry_after))
        self.retry_after = retry_after


class Suspended(DmcoreError):
    """Messaging is closed to the acting user, by a moderator's decision (MOD-4).

    What protects stays open: the export, blocking, reporting, taking back what they wrote.
    ``retry_after`` as that of ``Muted``.
    """

    code = "suspended"
    http_status = 403

    def __init__(self, retry_after: timedelta | None) -> None:
        super().__init__("messaging is closed to you at the moment", **_wait(retry_after))
        self.retry_after = retry_after


def _wait(retry_after: timedelta | None) -> dict[str, float]:
    return {} if retry_after is None else {"retry_after_s": retry_after.total_seconds()}


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

    ``limit`` is ``"messages"``, ``"starts"``, ``"edits"``, ``"reports"`` or ``"key_claims"``; the
    same attempt made ``retry_after`` later is the first that every limit allows, if nothing else is
    done meanwhile.
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


class MessageRefused(DmcoreError):
    """A screener of this host refuses the text; nothing was stored, and no limit counts it (MOD-5).

    ``details["reason"]`` is the slug that the screener declared for it, ``"screener_failed"`` where
    one broke. It holds nothing of the text.
    """

    code = "message_refused"
    http_status = 422

    def __init__(self, reason: str) -> None:
        super().__init__(f"this text is not accepted here: {reason}", reason=reason)


class InvalidReport(DmcoreError):
    """A report, or what a moderator asks about one, does not say what it has to (MOD-1).

    ``details["reason"]`` says what is missing or not offered.
    """

    code = "invalid_report"
    http_status = 422

    def __init__(self, reason: str) -> None:
        super().__init__(f"not a valid report: {reason}", reason=reason)


class IllegalMove(DmcoreError):
    """The life of a report has no such move from where it stands; nothing was changed (MOD-3)."""

    code = "illegal_move"
    http_status = 409

    def __init__(self, state: str, move: str) -> None:
        super().__init__(f"a report that is {state} has no move {move}", state=state, move=move)


class TakenByAnother(DmcoreError):
    """Only who took a report finishes it; somebody else releases and takes it first (MOD-3)."""

    code = "taken_by_another"
    http_status = 409

    def __init__(self) -> None:
        super().__init__("this report was taken by another moderator")


class EvidenceDenied(DmcoreError):
    """This moderator may not look at the evidence of this report now (MOD-2).

    The policy shows none, the moderator has not taken the report, or they have finished it.
    """

    code = "evidence_denied"
    http_status = 403

    def __init__(self) -> None:
        super().__init__("the evidence of this report is not yours to look at")


class InvalidLedger(DmcoreError):
    """A line is none of this installation's ledger of erasures (GDPR-1).

    Nothing was taken in of it, nor of the lines beside it, 500 at most.

    ``details["line"]`` is its number, counted from 1.
    """

    code = "invalid_ledger"
    http_status = 422

    def __init__(self, line: int) -> None:
        super().__init__(
            f"line {line} is not of the ledger of erasures of this installation", line=line
        )


class NotYourself(InvalidSetting):
    """An operator does not erase themselves: somebody else has to (GDPR-1)."""

    code = "not_yourself"
    http_status = 422

    def __init__(self) -> None:
        super().__init__("user", "is the operator who asks: somebody else has to do it")


class InvalidRestriction(DmcoreError):
    """What a moderator wants to restrict does not say what it has to (MOD-4).

    ``details["reason"]`` says what is missing or not offered.
    """

    code = "invalid_restriction"
    http_status = 422

    def __init__(self, reason: str) -> None:
        super().__init__(f"not a valid restriction: {reason}", reason=reason)


class NotRestricted(DmcoreError):
    """The user is under no restriction of this kind: there is nothing to lift (MOD-4)."""

    code = "not_restricted"
    http_status = 409

    def __init__(self) -> None:
        super().__init__("this person is under no such restriction")


class UnknownConsumer(DmcoreError):
    """No consumer of events has this name, or it was forgotten (OPS-8)."""

    code = "unknown_consumer"
    http_status = 404

    def __init__(self) -> None:
        super().__init__("no consumer of events has this name: it was never added, or forgotten")


class ConsumerUnavailable(DmcoreError):
    """A consumer of events can take none at all just now, whichever it is (OPS-8).

    Raised by the consumer itself: nothing is counted against an event, and all of them wait.
    """

    code = "consumer_unavailable"
    http_status = 503

    def __init__(self) -> None:
        super().__init__("the consumer takes no events just now")


class InvalidDevice(DmcoreError):
    """The keys of a device are not what keys have to be; nothing was stored (CRYPT-2).

    ``details["reason"]`` says what is wrong; it holds no key.
    """

    code = "invalid_device"
    http_status = 422

    def __init__(self, reason: str) -> None:
        super().__init__(f"not a valid device: {reason}", reason=reason)


class DeviceConflict(DmcoreError):
    """The acting user has a device of this id with other keys; it was left alone (CRYPT-2)."""

    code = "device_conflict"
    http_status = 409

    def __init__(self) -> None:
        super().__init__("you have a device of this id with other keys")


class TooManyDevices(DmcoreError):
    """The acting user has as many devices as there may be: remove one first (CRYPT-2)."""

    code = "too_many_devices"
    http_status = 409

    def __init__(self, most: int) -> None:
        super().__init__(f"you can have {most} devices: remove one first", most=most)


class NoDevice(DmcoreError):
    """Sealing needs a device of each of the two, and one of them has none (CRYPT-2).

    ``details["whose"]`` is ``"yours"`` or ``"theirs"``.
    """

    code = "no_device"
    http_status = 409

    def __init__(self, whose: str) -> None:
        who = "you have" if whose == "yours" else "this person has"
        super().__init__(f"{who} no device to seal messages for", whose=whose)


class InvalidEnvelope(DmcoreError):
    """What was sealed is not in the form of an envelope; nothing was stored (CRYPT-2).

    ``details["reason"]`` says what is wrong; it holds nothing of what was sealed.
    """

    code = "invalid_envelope"
    http_status = 422

    def __init__(self, reason: str) -> None:
        super().__init__(f"not a valid envelope: {reason}", reason=reason)


class SealedOnly(DmcoreError):
    """The conversation is sealed: a text has to be sealed before it is sent (CRYPT-2)."""

    code = "sealed_only"
    http_status = 409

    def __init__(self) -> None:
        super().__init__("this conversation is sealed: what is sent has to be sealed before")


class SealingNotOffered(DmcoreError):
    """The policy seals no conversations, or this message was sent without (CRYPT-2)."""

    code = "sealing_not_offered"
    http_status = 409

    def __init__(self) -> None:
        super().__init__("sealing is not offered here")


class KeysChanged(DmcoreError):
    """Somebody's devices changed since the keys were claimed: claim and seal again (CRYPT-2)."""

    code = "keys_changed"
    http_status = 409

    def __init__(self) -> None:
        super().__init__("devices have changed meanwhile: claim their keys and seal again")


class UntrustedKeys(DmcoreError):
    """Keys that were handed out are not what their owner made, or not what was compared (CRYPT-2).

    Raised by a device that seals, never by the site: it may be the site that does it.
    """

    code = "untrusted_keys"
    http_status = 409

    def __init__(self, reason: str) -> None:
        super().__init__(f"these keys cannot be trusted: {reason}", reason=reason)


class InvalidTranscript(DmcoreError):
    """These lines are not what the site with this key signed (CRYPT-2)."""

    code = "invalid_transcript"
    http_status = 422

    def __init__(self) -> None:
        super().__init__("this is not a transcript that was signed with this key")


class WrongPassphrase(DmcoreError):
    """What a device exported does not open with this passphrase, or was changed (CRYPT-2)."""

    code = "wrong_passphrase"
    http_status = 422

    def __init__(self) -> None:
        super().__init__("this does not open with this passphrase")


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


class WrongRole(StoreError):
    """The database role of this connection may not do this, or may do too much (OPS-7)."""

    code = "wrong_role"
    http_status = 500

    def __init__(self, reason: str) -> None:
        super().__init__(f"the database role cannot be used for this: {reason}", reason=reason)


class SharedDatabase(StoreError):
    """The message database is the host's own, and messages belong into one by themselves (OPS-2).

    ``details["reason"]`` says how that was told; it names no database.
    """

    code = "shared_database"
    http_status = 500

    def __init__(self, reason: str) -> None:
        super().__init__(f"messages need a database of their own: {reason}", reason=reason)


class HostUnavailable(StoreError):
    """The host's database cannot be looked at, so nobody knows whether messages are in it (OPS-2).

    ``details["reason"]`` says what is in the way.
    """

    code = "host_unavailable"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the host's database cannot be looked at: {reason}", reason=reason)


class NotInitialised(StoreError):
    """The database holds no dmcore tables yet; ``dmcore init`` makes them (OPS-6)."""

    code = "not_initialised"

    def __init__(self) -> None:
        super().__init__("this database is not set up for dmcore: run `dmcore init` on it first")


class WrongSchema(StoreError):
    """The database was set up by another schema version of dmcore (OPS-6)."""

    code = "wrong_schema"

    def __init__(self, found: int, expected: int) -> None:
        remedy = "run `dmcore upgrade` on it" if found < expected else "install a newer dmcore"
        super().__init__(
            f"the database has schema version {found}, this dmcore needs {expected}: {remedy}",
            found=found,
            expected=expected,
        )


class InvalidBackup(StoreError):
    """What was named is no backup that can be restored; nothing was changed (OPS-4)."""

    code = "invalid_backup"
    http_status = 422

    def __init__(self, reason: str) -> None:
        super().__init__(f"this backup cannot be restored: {reason}", reason=reason)


class NotAFreshStore(StoreError):
    """A backup is restored into nothing: something is there already, and was left alone (OPS-4)."""

    code = "not_a_fresh_store"
    http_status = 409

    def __init__(self, reason: str) -> None:
        super().__init__(f"a backup is restored where nothing is yet: {reason}", reason=reason)


class MissingTool(StoreError):
    """A program of PostgreSQL that this needs is missing, or older than the server (OPS-4)."""

    code = "missing_tool"

    def __init__(self, tool: str, reason: str) -> None:
        super().__init__(f"{tool} cannot be used: {reason}", tool=tool, reason=reason)


class EncryptionRequired(StoreError):
    """The texts of this database are encrypted, and it was opened without its keyring (CRYPT-1)."""

    code = "encryption_required"

    def __init__(self) -> None:
        super().__init__(
            "the texts of this database are encrypted: open it with its keyring and key"
            " (`--keyring` and `--key-file`, or `encryption=`)"
        )


class NotEncrypted(StoreError):
    """A keyring was given for a database whose texts are not encrypted (CRYPT-1)."""

    code = "not_encrypted"

    def __init__(self) -> None:
        super().__init__(
            "the texts of this database are not encrypted: run `dmcore keys init` on it first"
        )


class WrongKeyring(StoreError):
    """The keyring is not that of the database, or the key is not that of the keyring (CRYPT-1)."""

    code = "wrong_keyring"

    def __init__(self, reason: str) -> None:
        super().__init__(f"these are not the right keys: {reason}", reason=reason)


class KeyringUnavailable(StoreError):
    """The keyring, or what keeps its master key, cannot be asked (CRYPT-1)."""

    code = "keyring_unavailable"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the keyring is unavailable: {reason}", reason=reason)


class UnreadableText(StoreError):
    """A stored text cannot be opened: moved, changed, or its key was destroyed (CRYPT-1).

    A page shows ``UNREADABLE`` in its place, so that one damaged row costs one text.
    """

    code = "unreadable_text"

    def __init__(self) -> None:
        super().__init__("a stored text cannot be opened")
