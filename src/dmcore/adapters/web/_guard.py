"""Keeping other sites out: whether a browser says that a request comes from a page of ours.

A browser tells where a request comes from, and no page can make it lie: ``Sec-Fetch-Site``, and
``Origin`` with everything that is not a plain look. So there is no token to carry, to store or to
leak. A client that is no browser sends neither and carries no other person's cookies.
"""

from dmcore.adapters.web._errors import CrossSite
from dmcore.adapters.web._values import Request

LOOKING = frozenset({"GET", "HEAD", "OPTIONS"})


def check_page(request: Request, trusted: frozenset[str]) -> None:
    """Refuse what acts on a page from another site; anybody may link to it. Raises ``CrossSite``.

    A form is always sent by a browser, so one that does not say where it comes from is refused too.
    """
    if request.method not in LOOKING:
        _check(request, trusted, is_browser=True)


def check_interface(request: Request, trusted: frozenset[str]) -> None:
    """Refuse whatever another site asks of the interface, looks too. Raises ``CrossSite``.

    It could read no answer, but a request that waits for news takes one of the user's places.
    """
    _check(request, trusted, is_browser=False)


def _check(request: Request, trusted: frozenset[str], *, is_browser: bool) -> None:
    origin = request.headers.get("origin")
    if origin in trusted:
        return
    place = request.headers.get("sec-fetch-site")
    if place is not None:
        is_ours = place in {"same-origin", "none"}
    elif origin is not None:
        is_ours = origin.partition("://")[2] == request.headers.get("host")
    else:
        is_ours = not is_browser
    if not is_ours:
        raise CrossSite
