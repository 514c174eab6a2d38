"""The errors: one page, each told apart by class and by code."""

import copy
import pickle
from collections.abc import Iterator
from datetime import timedelta

import pytest

from dmcore import errors
from dmcore.errors import DmcoreError

EXAMPLES = [
    DmcoreError("text", number=1),
    errors.InvalidId("user", "it is empty"),
    errors.InvalidBody("too_long", "a message has at most 4000 characters", longest=4000),
    errors.InvalidKey("it is empty"),
    errors.InvalidCursor(),
    errors.InvalidPageSize(100),
    errors.InvalidSetting("url", "is not a database URL"),
    errors.ChoiceNotOffered("open_to", "this host has no directory"),
    errors.CursorExpired(),
    errors.CannotMessageYourself(),
    errors.AccessDenied(),
    errors.AccountErased(),
    errors.KeyConflict(),
    errors.MessagingUnavailable("off"),
    errors.Muted(timedelta(hours=3)),
    errors.Suspended(None),
    errors.YouBlockedThem(),
    errors.RecipientUnavailable(),
    errors.UnknownUser(),
    errors.StartRefused(),
    errors.UpgradeRequired(),
    errors.NotAcceptedYet(3),
    errors.NoRequest(),
    errors.TooLateToEdit(),
    errors.MessageRefused("word"),
    errors.InvalidReport("it names nobody"),
    errors.IllegalMove("resolved", "take"),
    errors.TakenByAnother(),
    errors.EvidenceDenied(),
    errors.NotYourself(),
    errors.InvalidLedger(3),
    errors.InvalidRestriction("its end has passed"),
    errors.NotRestricted(),
    errors.UnknownConsumer(),
    errors.InvalidDevice("a key has 32 bytes"),
    errors.DeviceConflict(),
    errors.TooManyDevices(5),
    errors.NoDevice("theirs"),
    errors.InvalidEnvelope("it names no protocol"),
    errors.SealedOnly(),
    errors.SealingNotOffered(),
    errors.KeysChanged(),
    errors.UntrustedKeys("a key is not signed by its device"),
    errors.WrongPassphrase(),
    errors.InvalidTranscript(),
    errors.ConsumerUnavailable(),
    errors.LimitReached("starts", timedelta(hours=3)),
    errors.StoreError("text"),
    errors.StoreUnavailable("the disk is full"),
    errors.StoreBusy(),
    errors.StoreRefused("pk_dm_message"),
    errors.SharedDatabase("it is the host's own"),
    errors.HostUnavailable("the database cannot be reached"),
    errors.NotInitialised(),
    errors.WrongRole("it is not granted dmcore_application"),
    errors.WrongSchema(2, 1),
    errors.InvalidBackup("it is damaged"),
    errors.NotAFreshStore("the file exists"),
    errors.MissingTool("pg_dump", "it is not installed"),
    errors.EncryptionRequired(),
    errors.NotEncrypted(),
    errors.WrongKeyring("the key does not open this keyring"),
    errors.KeyringUnavailable("there is none here"),
    errors.UnreadableText(),
]


def classes() -> Iterator[type[DmcoreError]]:
    for value in vars(errors).values():
        if isinstance(value, type) and issubclass(value, DmcoreError):
            yield value


def test_there_is_an_example_of_every_error() -> None:
    assert {type(example) for example in EXAMPLES} == set(classes())


def test_every_error_has_a_code_of_its_own() -> None:
    """``StoreUnavailable`` is a ``StoreError``, and its code says which."""
    codes = [error.code for error in classes()]
    assert len(set(codes)) == len(codes)
    assert all("code" in vars(error) for error in classes())
    assert all(code.replace("_", "").isalpha() and code.islower() for code in codes)


def test_every_error_hints_at_an_http_status() -> None:
    assert {error.http_status for error in classes()} <= {
        *(402, 403, 404, 409, 410, 422, 429),
        *(500, 503),
    }


def test_every_error_says_when_it_comes() -> None:
    for error in classes():
        assert error.__doc__, error.__name__
        assert error.__doc__ != (error.__base__ or Exception).__doc__


@pytest.mark.promise("CONV-1", "BLOCK-2", "GATE-1", "TEN-1")
@pytest.mark.parametrize(
    "error",
    [
        errors.AccessDenied,
        errors.RecipientUnavailable,
        errors.InvalidCursor,
        errors.CursorExpired,
        errors.UnknownUser,
        errors.StartRefused,
        errors.UpgradeRequired,
        errors.NoRequest,
        errors.TooLateToEdit,
    ],
)
def test_an_error_that_must_not_tell_its_cause_has_no_room_for_one(
    error: type[DmcoreError],
) -> None:
    made = error()  # type: ignore[call-arg]
    assert made.details == {}
    assert vars(made) == {"details": {}}
    with pytest.raises(TypeError):
        error("because")


@pytest.mark.promise("REQ-1")
def test_a_sender_who_waits_learns_how_many_they_may_write_and_nothing_else() -> None:
    """Pending, declined or unseen: there is no room to tell which."""
    error = errors.NotAcceptedYet(3)
    assert error.details == {"most": 3}
    assert vars(error) == {"details": {"most": 3}}
    assert str(error) == str(errors.NotAcceptedYet(1))


@pytest.mark.promise("LIMIT-1")
def test_a_limit_says_which_it_was_and_how_long_to_wait() -> None:
    error = errors.LimitReached("messages", timedelta(seconds=59, microseconds=1))
    assert error.retry_after == timedelta(seconds=59, microseconds=1)
    assert error.details == {"limit": "messages", "retry_after_s": 59.000001}
    assert "messages" in str(error)


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_travels_between_processes(error: DmcoreError) -> None:
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(other) is type(error)
        assert str(other) == str(error)
        assert vars(other) == vars(error)
        assert repr(other) == repr(error)
