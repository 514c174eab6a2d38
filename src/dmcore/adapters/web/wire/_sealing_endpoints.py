"""The endpoints of sealing in one table: devices, keys, and a conversation sealed by hand."""

from functools import partial
from http import HTTPStatus
from typing import Final

from dmcore import errors
from dmcore.adapters.web.wire import _models, _sealing
from dmcore.adapters.web.wire._endpoint import Endpoint

_sealing_part = partial(Endpoint, tag="Sealing")
_WRITING_TO_THEM = (
    errors.Muted,
    errors.YouBlockedThem,
    errors.RecipientUnavailable,
    errors.NotAcceptedYet,
    errors.NoDevice,
)
ENDPOINTS: Final = (
    _sealing_part(
        method="GET",
        pattern="/devices",
        handler=_sealing.list_devices,
        answers=_sealing.Devices,
    ),
    _sealing_part(
        method="PUT",
        pattern="/devices/{device}",
        handler=_sealing.add_device,
        takes=_sealing.NewDevice,
        answers=_sealing.Device,
        refusals=(errors.InvalidDevice, errors.DeviceConflict, errors.TooManyDevices),
    ),
    _sealing_part(
        method="PUT",
        pattern="/devices/{device}/keys",
        handler=_sealing.renew_device,
        takes=_sealing.NewKeys,
        answers=_sealing.Device,
        refusals=(errors.AccessDenied, errors.InvalidDevice),
    ),
    _sealing_part(
        method="POST",
        pattern="/key-claims",
        handler=_sealing.claim_keys,
        takes=_sealing.NewKeyClaim,
        answers=_sealing.KeyClaim,
        refusals=(
            *_WRITING_TO_THEM,
            errors.CannotMessageYourself,
            errors.UnknownUser,
            errors.StartRefused,
            errors.UpgradeRequired,
            errors.LimitReached,
        ),
    ),
    _sealing_part(
        method="GET",
        pattern="/users/{user}/keys",
        handler=_sealing.read_keys,
        answers=_sealing.KeyBundle,
        refusals=(errors.AccessDenied, errors.CannotMessageYourself),
    ),
    _sealing_part(
        method="POST",
        pattern="/threads/{thread}/seal",
        handler=_sealing.seal_thread,
        answers=_models.Conversation,
        refusals=(*_WRITING_TO_THEM, errors.SealingNotOffered),
    ),
    _sealing_part(
        method="DELETE",
        pattern="/devices/{device}",
        handler=_sealing.remove_device,
        status=HTTPStatus.NO_CONTENT,
        refusals=(errors.AccessDenied,),
    ),
)
"""What every participant may ask of sealing."""
