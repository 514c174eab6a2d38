"""Which endpoints a site has: those of participants, and those of the roles that it knows."""

from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from typing import Final

from dmcore import errors
from dmcore.adapters.web import _errors
from dmcore.adapters.web._routing import HEALTH, Audience, Visit
from dmcore.adapters.web._site import Site
from dmcore.adapters.web._values import Response
from dmcore.adapters.web.wire import (
    _endpoints,
    _erasures,
    _moderation,
    _openapi,
    _operations,
    _reporting,
    _restrictions,
    _sealing_endpoints,
)
from dmcore.adapters.web.wire._answering import as_json
from dmcore.adapters.web.wire._endpoint import Endpoint, Parameter
from dmcore.adapters.web.wire._endpoints import KEY, PAGED, cursor, limit
from dmcore.domain.reports import ReportOrigin, ReportState

_CURSOR = cursor("cursor", "Where to go on: `next` of the page before.")
_STATE = Parameter(
    name="state",
    schema={"type": "string", "enum": [*ReportState]},
    description="Only reports that stand there.",
)
_REASON = Parameter(
    name="reason", schema=_reporting.REASON_SCHEMA, description="Only reports for this reason."
)
_ORIGIN = Parameter(
    name="origin",
    schema={"type": "string", "enum": [*ReportOrigin]},
    description="Only what participants report, or only what screening flagged.",
)
_MOVING = (errors.AccessDenied, errors.InvalidReport, errors.IllegalMove, errors.TakenByAnother)


async def describe_interface(visit: Visit) -> Response:
    """This description."""
    return as_json(_openapi.document(endpoints_of(visit.site), visit.request.root))


_moderator = partial(Endpoint, tag="Moderation", audience=Audience.MODERATORS)
_operator = partial(Endpoint, tag="Operations", audience=Audience.OPERATORS)

ENDPOINTS: Final = (
    *_endpoints.ENDPOINTS,
    *_sealing_endpoints.ENDPOINTS,
    Endpoint(
        method="POST",
        pattern="/reports",
        handler=_reporting.make_report,
        tag="Reports",
        parameters=(KEY,),
        takes=_reporting.NewReport,
        answers=_reporting.ReportReceipt,
        status=HTTPStatus.CREATED,
        refusals=(
            errors.AccessDenied,
            errors.CannotMessageYourself,
            errors.InvalidKey,
            errors.InvalidReport,
            errors.UnknownUser,
            errors.KeyConflict,
            errors.LimitReached,
        ),
    ),
    Endpoint(
        method="GET",
        pattern="/openapi.json",
        handler=describe_interface,
        tag="Keeping up",
    ),
)
"""What every participant may ask."""

PUBLIC: Final = (
    Endpoint(
        method="GET",
        pattern=HEALTH,
        handler=_operations.read_health,
        tag="Health",
        answers=_operations.Health,
        audience=Audience.ANYONE,
    ),
)
"""What anybody may ask."""

MODERATION: Final = (
    _moderator(
        method="GET",
        pattern="/moderation/reports",
        handler=_moderation.list_reports,
        parameters=(_STATE, _REASON, _ORIGIN, limit(_moderation.USUAL_REPORTS), _CURSOR),
        answers=_moderation.Reports,
        headers=("Link",),
        refusals=(*PAGED, errors.InvalidReport),
    ),
    _moderator(
        method="GET",
        pattern="/moderation/reports/{report}",
        handler=_moderation.read_report,
        answers=_moderation.Report,
        refusals=(errors.AccessDenied,),
    ),
    _moderator(
        method="GET",
        pattern="/moderation/reports/{report}/history",
        handler=_moderation.read_history,
        parameters=(limit(_moderation.USUAL_REPORTS), _CURSOR),
        answers=_moderation.History,
        headers=("Link",),
        refusals=(*PAGED, errors.AccessDenied),
    ),
    _moderator(
        method="POST",
        pattern="/moderation/reports/{report}/moves",
        handler=_moderation.move_report,
        takes=_moderation.ReportStep,
        answers=_moderation.Report,
        refusals=_MOVING,
    ),
    _moderator(
        method="POST",
        pattern="/moderation/reports/{report}/looks",
        handler=_moderation.look_at_evidence,
        answers=_moderation.Evidence,
        refusals=(errors.AccessDenied, errors.EvidenceDenied),
    ),
    _moderator(
        method="POST",
        pattern="/moderation/moves",
        handler=_moderation.move_reports,
        takes=_moderation.BulkStep,
        answers=_moderation.BulkAnswers,
        refusals=(errors.InvalidPageSize,),
    ),
    _moderator(
        method="GET",
        pattern="/moderation/users/{user}/dossier",
        handler=_restrictions.read_dossier,
        answers=_restrictions.Dossier,
        refusals=(errors.AccessDenied,),
    ),
    _moderator(
        method="GET",
        pattern="/moderation/users/{user}/restrictions",
        handler=_restrictions.list_restrictions,
        parameters=(limit(_restrictions.USUAL_RESTRICTIONS), _CURSOR),
        answers=_restrictions.Restrictions,
        headers=("Link",),
        refusals=(*PAGED, errors.AccessDenied),
    ),
    _moderator(
        method="PUT",
        pattern="/moderation/users/{user}/restrictions/{kind}",
        handler=_restrictions.restrict_user,
        takes=_restrictions.NewRestriction,
        answers=_restrictions.Restriction,
        refusals=(errors.AccessDenied, errors.InvalidRestriction),
    ),
    _moderator(
        method="DELETE",
        pattern="/moderation/users/{user}/restrictions/{kind}",
        handler=_restrictions.lift_restriction,
        answers=_restrictions.Restriction,
        refusals=(errors.AccessDenied, errors.InvalidRestriction, errors.NotRestricted),
    ),
    _moderator(
        method="POST",
        pattern="/moderation/restrictions",
        handler=_restrictions.restrict_users,
        takes=_restrictions.BulkRestriction,
        answers=_restrictions.RestrictionAnswers,
        refusals=(errors.InvalidPageSize,),
    ),
    _moderator(
        method="POST",
        pattern="/moderation/lifts",
        handler=_restrictions.lift_restrictions,
        takes=_restrictions.BulkLift,
        answers=_restrictions.RestrictionAnswers,
        refusals=(errors.InvalidPageSize,),
    ),
    _moderator(
        method="GET",
        pattern="/moderation/metrics",
        handler=_restrictions.read_metrics,
        answers=_restrictions.Metrics,
    ),
)
"""What a moderator may ask."""

OPERATIONS: Final = (
    _operator(
        method="GET",
        pattern="/operations/status",
        handler=_operations.read_status,
        answers=_operations.Status,
    ),
    _operator(
        method="PUT",
        pattern="/operations/mode",
        handler=_operations.turn_switch,
        takes=_operations.NewMode,
        answers=_operations.ModeChange,
    ),
    _operator(
        method="GET",
        pattern="/operations/users/{user}/journal",
        handler=_operations.read_journal,
        parameters=(limit(_operations.USUAL_ENTRIES), _CURSOR),
        answers=_operations.Journal,
        headers=("Link",),
        refusals=PAGED,
    ),
    _operator(
        method="POST",
        pattern="/operations/users/{user}/erasure/previews",
        handler=_erasures.preview_erasure,
        answers=_erasures.ErasurePreview,
        refusals=(_errors.NotErasable,),
    ),
    _operator(
        method="POST",
        pattern="/operations/users/{user}/erasure",
        handler=_erasures.erase_user,
        answers=_erasures.Erased,
        refusals=(_errors.NotErasable,),
    ),
    _operator(
        method="GET",
        pattern="/operations/erasures",
        handler=_erasures.list_erasures,
        parameters=(limit(_erasures.USUAL_ERASURES), _CURSOR),
        answers=_erasures.Erasures,
        headers=("Link",),
        refusals=PAGED,
    ),
)
"""What an operator may ask."""

EVERY: Final = (*ENDPOINTS, *PUBLIC, *MODERATION, *OPERATIONS)


def endpoints_of(site: Site) -> Sequence[Endpoint]:
    """The endpoints that are there on a site."""
    moderation = MODERATION if site.is_moderator is not None else ()
    operations = OPERATIONS if site.is_operator is not None else ()
    return (*ENDPOINTS, *PUBLIC, *moderation, *operations)
