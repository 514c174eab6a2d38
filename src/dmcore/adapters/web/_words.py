"""What every refusal says to a person. Knows the errors by their codes, and no HTML."""

from collections.abc import Mapping
from datetime import timedelta
from math import ceil
from typing import Final

import attrs

from dmcore.adapters.web._errors import NotSignedIn
from dmcore.domain.body import BodyReason
from dmcore.domain.mode import Mode
from dmcore.errors import (
    DmcoreError,
    InvalidBody,
    LimitReached,
    MessageRefused,
    MessagingUnavailable,
    Muted,
    NotAcceptedYet,
    Suspended,
    UpgradeRequired,
    YouBlockedThem,
)
from dmcore.mailbox import Permission

_SENTENCES: Final[Mapping[str, str]] = {
    "access_denied": "There is nothing here for you. Perhaps the link is old or not complete.",
    "cannot_message_yourself": "You cannot write to yourself.",
    "choice_not_offered": "This choice is not offered here. Please take another one.",
    "cross_site": "This was asked from another site, so nothing was done. Please try it from here.",
    "cursor_expired": "This page is too old. Please open it again.",
    "invalid_cursor": "This part of the list cannot be found. Please begin at the newest.",
    "invalid_id": "This address is not complete. Please open the conversation again.",
    "invalid_key": "This page was too old or not complete. Please send it again.",
    "key_conflict": "Another text from this page was already sent. "
    "Send again if you want to send this one as well.",
    "keyring_unavailable": "Messages cannot be reached at the moment. Please try again soon.",
    "malformed_request": "Something in this form is not right. Please go back and try again.",
    "method_not_allowed": "This address cannot be opened like this.",
    "no_request": "This conversation is not a request any more.",
    "not_signed_in": "Please sign in to read and write messages.",
    "nothing_here": "There is no such page.",
    "recipient_unavailable": "This person cannot receive messages from you.",
    "request_too_large": "This is far too much for one message.",
    "start_refused": "You cannot start a conversation with this person.",
    "account_erased": "This account was erased.",
    "invalid_ledger": "This is not a line of the ledger of erasures.",
    "evidence_denied": "What was reported is not yours to look at.",
    "illegal_move": "This report is no longer where it was. Please look again.",
    "invalid_restriction": "This restriction lacks something, or names something not offered.",
    "not_restricted": "This person is under no such restriction any more.",
    "muted": "You can read messages at the moment, and not write any.",
    "suspended": "Messages are closed to you at the moment. "
    "You can still export them, block people and report them.",
    "invalid_report": "This report lacks something, or names something that is not offered.",
    "not_erasable": "This user cannot be erased: it is you, or somebody who was erased before.",
    "store_busy": "Messages are very busy at the moment. Please try again.",
    "store_unavailable": "Messages cannot be reached at the moment. Please try again soon.",
    "taken_by_another": "Another moderator works on this report.",
    "sealed_only": "This conversation is sealed: what you write has to be sealed on your device."
    " Nothing of it was sent.",
    "sealing_not_offered": "This cannot be sealed.",
    "keys_changed": "Devices have changed meanwhile. Please send it again.",
    "no_device": "Sealed messages need a device of each of you.",
    "invalid_envelope": "This sealed message is damaged.",
    "invalid_device": "This device cannot be added: its keys are damaged.",
    "device_conflict": "This device is there already, with other keys.",
    "too_many_devices": "You have as many devices as there can be. Remove one first.",
    "too_late_to_edit": "This message can no longer be changed.",
    "unsupported_media_type": "This is not what a form of these pages sends.",
    "unknown_user": "There is no such person.",
    "upgrade_required": "You need a subscription to write to this person.",
    "you_blocked_them": "You have blocked this person. Unblock them to write to them.",
}
_ELSE: Final = "This did not work. Please try again later."

_TEXTS: Final[Mapping[str, str]] = {
    BodyReason.EMPTY: "Write something first.",
    BodyReason.INVISIBLE: "Write something that can be seen.",
    BodyReason.EMOJI: "Emoji are not accepted here. Please write it in words.",
}
_TEXT_ELSE: Final = "This text holds characters that cannot be sent."

# What the screeners that ship call a text; a host's own one has words of its own (MOD-5).
_SCREENED: Final[Mapping[str, str]] = {
    "word": "There is a word in it that is not accepted here.",
    "link": "Links are not accepted here.",
    "email": "Addresses are not accepted here.",
    "phone": "Phone numbers are not accepted here.",
    "first_contact_link": "Links, addresses and phone numbers are not accepted "
    "until this person has written to you.",
    "first_contact_long": "A message to somebody who has not written to you must be shorter.",
    "repetition": "You have sent the same text several times.",
    "burst": "You are sending messages very fast. Please wait a little.",
    "screener_failed": "It could not be checked. Please write it in another way.",
}
_SCREENED_ELSE: Final = "Please write it in another way."

_MODES: Final[Mapping[str, str]] = {
    Mode.OFF: "Messages are switched off at the moment. Nothing is lost. Please come back later.",
    Mode.READ_ONLY: "Messages can only be read at the moment. Writing will be possible again soon.",
    Mode.REPLIES_ONLY: "New conversations cannot be started at the moment. "
    "You can go on with those you have.",
}
_START_ELSE: Final = "New conversations cannot be started at the moment."

_WRITING: Final = "writing"
_LIMITS: Final[Mapping[str, str]] = {
    # Which of the two it would be is not asked before.
    _WRITING: "You have started a lot of conversations, or sent a lot of messages.",
    "starts": "You have started a lot of conversations.",
    "edits": "You have changed a lot of messages.",
    "reports": "You have made a lot of reports.",
    "key_claims": "You have sealed a lot of messages.",
}
_MODE_ELSE: Final = "Messages cannot be written at the moment. You can go on reading."

_WAITING: Final = "You can write again when this person has answered."

_HEADINGS: Final[Mapping[int, str]] = {
    401: "Please sign in",
    403: "Nothing here",
    404: "Nothing here",
    429: "Not so fast",
    503: "Messages are not available",
}


@attrs.frozen(kw_only=True)
class Notice:
    """A refusal as a page shows it: words, and which way out there is, if any."""

    text: str
    can_unblock: bool = False
    can_upgrade: bool = False


NOBODY_THERE: Final = Notice(text="This account is gone. You can go on reading what was written.")
"""Before writing to somebody whom the host does not know any more."""


def notice_of(error: DmcoreError) -> Notice:
    """What an attempt was answered."""
    return _notice(error.code, _explained(error))


def notice_before(permission: Permission, *, is_start: bool) -> Notice | None:
    """What an attempt would be answered, if it would be refused; to begin, or to go on."""
    reason = permission.reason
    if reason is None:
        return None
    if reason in (Muted.code, Suspended.code):
        text = _restricted(reason, permission.retry_after)
    elif permission.retry_after is not None:
        text = _too_many(permission.retry_after, _WRITING if is_start else None)
    elif reason == MessagingUnavailable.code:
        text = _START_ELSE if is_start else _MODE_ELSE
    elif reason == NotAcceptedYet.code:
        text = _WAITING
    else:
        text = _SENTENCES.get(reason, _ELSE)
    return _notice(reason, text)


def sentence_of(code: str) -> str:
    """What a code says by itself, where one of several things was refused."""
    return _SENTENCES.get(code, _ELSE)


def heading_of(error: DmcoreError) -> str:
    """What stands above the explanation on a page of its own."""
    if error.code == NotSignedIn.code:
        return "Please sign in"
    if error.code == Suspended.code:
        return "Messages are closed to you"
    return _HEADINGS.get(error.http_status, "This did not work")


def seconds_of(wait: timedelta) -> int:
    """A wait in whole seconds, never shorter than it is."""
    return ceil(wait.total_seconds())


def _notice(code: str, text: str) -> Notice:
    return Notice(
        text=text,
        can_unblock=code == YouBlockedThem.code,
        can_upgrade=code == UpgradeRequired.code,
    )


def _explained(error: DmcoreError) -> str:
    match error:
        case LimitReached():
            return _too_many(error.retry_after, error.limit)
        case Muted() | Suspended():
            return _restricted(error.code, error.retry_after)
        case InvalidBody() | MessageRefused():
            return _about_text(error)
        case MessagingUnavailable():
            return _MODES.get(str(error.details["mode"]), _MODE_ELSE)
        case NotAcceptedYet():
            return _WAITING
    return _SENTENCES.get(error.code, _ELSE)


def _about_text(error: InvalidBody | MessageRefused) -> str:
    bounds = error.details
    if isinstance(error, MessageRefused):
        words = _SCREENED.get(str(bounds["reason"]), _SCREENED_ELSE)
        return f"This message was not accepted. {words}"
    if "longest" in bounds:
        return (
            f"This message is too long: it can have {bounds['longest']} characters. "
            "Send it in parts."
        )
    if "largest_bytes" in bounds:
        return (
            f"This message is too long: it can have {bounds['largest_bytes']} bytes. "
            "Send it in parts."
        )
    return _TEXTS.get(str(bounds["reason"]), _TEXT_ELSE)


def _restricted(code: str, wait: timedelta | None) -> str:
    return _SENTENCES[code] if wait is None else f"{_SENTENCES[code]} {_again(wait)}"


def _too_many(wait: timedelta, limit: str | None) -> str:
    done = _LIMITS.get(str(limit), "You have sent a lot of messages.")
    return f"{done} {_again(wait)}"


def _again(wait: timedelta) -> str:
    seconds = seconds_of(wait)
    if seconds < 120:  # noqa: PLR2004
        return f"Try again in {seconds} s."
    minutes = ceil(seconds / 60)
    if minutes < 120:  # noqa: PLR2004
        return f"Try again in {minutes} minutes."
    hours = ceil(minutes / 60)
    if hours < 72:  # noqa: PLR2004
        return f"Try again in {hours} hours."
    return f"Try again in {ceil(hours / 24)} days."
