"""From a template to an answer: escaping, the document around a page, the policy sent with it.

No script and no style stands inside a page, so a policy can forbid both.
"""

import base64
from datetime import datetime
from typing import Final

import attrs
from jinja2 import Environment, PackageLoader, StrictUndefined

from dmcore.adapters.web._routing import Visit
from dmcore.adapters.web._site import Site
from dmcore.adapters.web._values import Document, Request, Response
from dmcore.adapters.web._worlds import World
from dmcore.adapters.web.pages._assets import address_of, sealing_modules
from dmcore.domain.message import Message

# Named here: the names of the standard library depend on the machine's language.
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LONGEST_EXCERPT: Final = 160


def _clock(when: datetime) -> str:
    return f"{when:%H:%M}"


def _day(when: datetime) -> str:
    return f"{_DAYS[when.weekday()]}, {when.day} {_MONTHS[when.month - 1]} {when.year}"


def _moment(when: datetime) -> str:
    return f"{when.day} {_MONTHS[when.month - 1][:3]}, {_clock(when)}"


def _instant(when: datetime) -> str:
    return when.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _said(message: Message) -> str:
    """What a message says that nobody took back; where it is sealed, that it is."""
    if message.body is None or message.is_sealed:
        return "Sealed message. This page cannot open it."
    return message.body.text


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _excerpt(text: str) -> str:
    """The beginning of a text, on one line."""
    return " ".join(text[:_LONGEST_EXCERPT].split())


_TEMPLATES: Final = Environment(
    loader=PackageLoader("dmcore.adapters.web.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_TEMPLATES.filters.update(
    clock=_clock,
    day=_day,
    moment=_moment,
    instant=_instant,
    excerpt=_excerpt,
    said=_said,
    base64=_base64,
)


def rendered(template: str, **values: object) -> str:
    """A template with everything in it escaped."""
    return _TEMPLATES.get_template(template).render(**values)


def head(root: str) -> str:
    """The links to the stylesheet and the module."""
    return rendered(
        "head.html", css=address_of(root, "dmcore.css"), js=address_of(root, "dmcore.js")
    )


def page(
    visit: Visit, template: str, *, title: str, status: int = 200, **values: object
) -> Response:
    """A page for somebody who is signed in; ``title`` is the same whoever is on it (LEAK-1)."""
    site = visit.site
    body = rendered(
        template,
        root=visit.request.root,
        me=visit.viewer.user,
        tenant=visit.viewer.tenant,
        modules=sealing_modules(visit.request.root),
        live=site.live,
        poll_ms=int(site.poll_every.total_seconds() * 1000),
        upgrade_url=site.upgrade_url,
        main=main_of(site),
        evidence=visit.world.dm.policy.evidence,
        asks=visit.world.dm.policy.requests == "ask",
        **values,
    )
    return in_document(visit.site, visit.request, title=title, body=body, status=status)


def main_of(site: Site) -> str:
    """The element around a page: a document has one ``main``, and a host's frame brings its own."""
    return "main" if site.layout is None else "div"


def in_document(site: Site, request: Request, *, title: str, body: str, status: int) -> Response:
    """A page that waits for its frame."""
    document = Document(title=title, head=head(request.root), body=body)
    return Response(status=status, headers=_headers(site), document=document)


async def framed(world: World, site: Site, request: Request, response: Response) -> Response:
    """A page as a whole document, in the host's frame where it has one; all else as it is."""
    document, layout = response.document, site.layout
    if document is None:
        return response
    if layout is None:
        text = rendered("document.html", document=document)
    else:
        text = await world.ask(layout, document, request.native)
    return attrs.evolve(response, body=_bytes(text), document=None)


def html(site: Site, text: str) -> Response:
    """A piece of a page as an answer, with the site's policy."""
    return Response(headers=_headers(site), body=_bytes(text))


def _headers(site: Site) -> tuple[tuple[str, str], ...]:
    kind = ("Content-Type", "text/html; charset=utf-8")
    return (kind,) if site.csp is None else (kind, ("Content-Security-Policy", site.csp))


def _bytes(text: str) -> bytes:
    """What UTF-8 cannot say becomes "?"."""
    return text.encode(errors="replace")


def redirect(request: Request, path: str) -> Response:
    """Look there next: a page that is loaded again never sends a form again."""
    return Response(status=303, headers=(("Location", f"{request.root}{path}"),))
