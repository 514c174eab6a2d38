"""One example of every error that the interface can answer with, for those who read about it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from dmcore import errors
from dmcore.adapters.web import _errors
from dmcore.adapters.web._values import MOST_BODY_BYTES
from dmcore.errors import DmcoreError

EXAMPLES: Final[Mapping[type[DmcoreError], DmcoreError]] = {
    type(error): error
    for error in (
        _errors.NotSignedIn(),
        _errors.CrossSite(),
        _errors.NothingHere(),
        _errors.MethodNotAllowed({"DELETE", "PUT"}),
        _errors.NotErasable(),
        _errors.RequestTooLarge(MOST_BODY_BYTES),
        _errors.UnsupportedMediaType("application/json"),
        _errors.MalformedRequest("limit", "it must be a whole number"),
        _errors.StreamsOff(),
        _errors.TooManyStreams(5),
        errors.InvalidId("user", "it is empty"),
        errors.InvalidBody("too_long", "a message has at most 4000 characters", longest=4000),
        errors.InvalidKey("it is empty"),
        errors.InvalidCursor(),
        errors.InvalidPageSize(100),
        errors.ChoiceNotOffered("open_to", "this host has no directory that knows connections"),
        errors.CursorExpired(),
        errors.AccountErased(),
        errors.CannotMessageYourself(),
        errors.AccessDenied(),
        errors.AccountErased(),
        errors.KeyConflict(),
        errors.MessagingUnavailable("read_only"),
        errors.Muted(timedelta(hours=3)),
        errors.Suspended(timedelta(days=7)),
        errors.YouBlockedThem(),
        errors.RecipientUnavailable(),
        errors.UnknownUser(),
        errors.StartRefused(),
        errors.UpgradeRequired(),
        errors.NotAcceptedYet(1),
        errors.NoRequest(),
        errors.TooLateToEdit(),
        errors.SealedOnly(),
        errors.SealingNotOffered(),
        errors.InvalidEnvelope("it is not spelled as envelopes are"),
        errors.InvalidDevice("a key has 32 bytes"),
        errors.DeviceConflict(),
        errors.TooManyDevices(5),
        errors.NoDevice("theirs"),
        errors.KeysChanged(),
        errors.MessageRefused("word"),
        errors.LimitReached("messages", timedelta(seconds=12.5)),
        errors.InvalidReport("reason must be one of spam, other"),
        errors.IllegalMove("pending", "resolve"),
        errors.TakenByAnother(),
        errors.EvidenceDenied(),
        errors.InvalidRestriction("kind must be one of mute, suspend, shadow_ban"),
        errors.NotRestricted(),
        errors.StoreUnavailable("it cannot be reached"),
        errors.StoreBusy(),
        errors.StoreRefused("pk_dm_message"),
        errors.NotInitialised(),
        errors.EncryptionRequired(),
        errors.KeyringUnavailable("its master key cannot be asked"),
        errors.WrongKeyring("a key in this keyring is damaged"),
    )
}
