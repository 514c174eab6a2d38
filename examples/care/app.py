"""The collective's site, in Litestar: its own pages, who is signed in, and messaging below it."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any, Final, cast

from litestar import Litestar, asgi
from litestar.exceptions import HTTPException
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult

from dmcore.adapters.web import Person, Site, Viewer
from dmcore.adapters.web.asgi import Messages
from examples.care import messaging, pages, people
from examples.care.messaging import Places
from examples.care.observing import Pulse, logged_to, page_somebody
from examples.care.people import MODERATOR, OPERATOR, Member, People, session_of

MOUNT: Final = pages.MOUNT


def create_app(places: Places) -> Litestar:
    """The site on databases that were set up. It opens and closes all it needs by itself."""
    return Litestar(
        pages.HANDLERS,
        lifespan=[_lives_at(places)],
        middleware=[SignedIn],
        response_headers=pages.HEADERS,
        exception_handlers={HTTPException: pages.refused},
        openapi_config=None,
        logging_config=None,
    )


def _lives_at(places: Places) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def life(app: Litestar) -> AsyncIterator[None]:
        pulse = Pulse(page_somebody)
        with logged_to(places.folder / "care.log"):
            async with (
                people.opened(places.site_url) as members,
                messaging.opened(places, members, pulse) as dm,
            ):
                messages = Messages(dm, identify=_identify, site=_site(members))
                app.state.update({"people": members, "dm": dm, "messages": messages})
                app.state.update({"pulse": pulse})
                app.register(asgi(MOUNT, is_mount=True, copy_scope=True)(messages.app.at(MOUNT)))
                yield
                messages.close()

    return life


class SignedIn(AbstractAuthenticationMiddleware):
    """Finds out who asks, once a request, for the site's own pages and for those of messaging."""

    async def authenticate_request(self, connection: pages.Connection) -> AuthenticationResult:
        session = session_of(connection.cookies.get(pages.COOKIE, ""))
        member = await pages.people_of(connection).signed_in(session)
        return AuthenticationResult(user=member, auth=session)


# What messaging asks of the site ------------------------------------------------------------------


async def _identify(scope: Any) -> Viewer | None:
    """Who asks; with the name of the sign-in, so that its streams end with it."""
    member = cast("Member | None", scope["user"])
    return None if member is None else Viewer(user=member.id, session=scope["auth"])


def _site(members: People) -> Site:
    async def faces(_viewer: Viewer, ids: Sequence[str]) -> Mapping[str, Person]:
        known = await members.known(ids)
        return {it.id: Person(name=it.name, url=f"/people/{it.id}") for it in known.values()}

    async def holds(viewer: Viewer) -> bool:
        return await members.signed_in(viewer.session) is not None

    async def has(viewer: Viewer, role: str) -> bool:
        member = await members.signed_in(viewer.session)
        return member is not None and member.role == role

    async def moderates(viewer: Viewer) -> bool:
        return await has(viewer, MODERATOR)

    async def operates(viewer: Viewer) -> bool:
        return await has(viewer, OPERATOR)

    return Site(
        people=faces,
        layout=pages.framed,
        is_current=holds,
        # Whoever signs out is cut off at once; this is for a sign-in that ends in another way.
        check_every=timedelta(seconds=30),
        is_moderator=moderates,
        is_operator=operates,
        sign_in_url="/",
    )
