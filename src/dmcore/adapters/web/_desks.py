"""What a moderator and an operator hold, and the one step that both ways in take with a report.

Whether somebody has a role was asked before; nothing here decides it.
"""

from dmcore.adapters.web._errors import NotErasable
from dmcore.adapters.web._routing import Visit
from dmcore.domain.erasure import Erased, ErasurePreview
from dmcore.domain.reports import ReportLine, ReportMove, asked_move
from dmcore.errors import InvalidSetting
from dmcore.moderation import AsyncModerationDesk
from dmcore.operations import AsyncOperations


def desk_of(visit: Visit) -> AsyncModerationDesk:
    """The desk of the moderator who asks, in their own tenant."""
    return visit.world.dm.moderation(visit.viewer.user, tenant=visit.viewer.tenant)


def operations_of(visit: Visit) -> AsyncOperations:
    """The desk of the operator who asks."""
    return visit.world.dm.operations(visit.viewer.user, tenant=visit.viewer.tenant)


async def moved(
    desk: AsyncModerationDesk, report: str, move: str, outcome: str | None
) -> ReportLine:
    """The report after a move. Raises what the one method for it raises."""
    asked, came_of_it = asked_move(move, outcome)
    if came_of_it is not None:
        return await desk.resolve(report, came_of_it)
    acts = {
        ReportMove.TAKE: desk.take,
        ReportMove.RELEASE: desk.release,
        ReportMove.DISMISS: desk.dismiss,
        ReportMove.REOPEN: desk.reopen,
    }
    return await acts[asked](report)


async def previewed(visit: Visit, user: str) -> ErasurePreview:
    """What erasing somebody would reach. Raises as ``erased``."""
    try:
        return await operations_of(visit).preview_erasure(user)
    except InvalidSetting:
        pass
    raise NotErasable


async def erased(visit: Visit, user: str) -> Erased:
    """What erasing somebody did. Raises ``InvalidId``, and ``NotErasable`` for who cannot be."""
    try:
        return await operations_of(visit).erase(user)
    except InvalidSetting:
        pass
    raise NotErasable
