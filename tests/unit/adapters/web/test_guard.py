"""Whether a browser says that a request comes from a page of ours."""

from collections.abc import Callable

import pytest

from dmcore.adapters.web._errors import CrossSite
from dmcore.adapters.web._guard import check_interface, check_page
from dmcore.adapters.web._values import Request

OURS = {"host": "ours.example:8000"}
NOBODY: frozenset[str] = frozenset()
CHECKS = pytest.mark.parametrize("check", [check_page, check_interface])
Check = Callable[[Request, frozenset[str]], None]


def asked(method: str = "POST", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method=method, root="", path="/", headers={**OURS, **named})


@CHECKS
@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
        {"origin": "https://ours.example:8000"},
        {"origin": "https://partner.example"},
        {"origin": "https://partner.example", "sec_fetch_site": "cross-site"},
    ],
)
def test_a_page_of_ours_or_a_trusted_one_may_act(headers: dict[str, str], check: Check) -> None:
    trusted = frozenset({"https://partner.example"})
    check(asked(**headers), trusted)


@CHECKS
@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site", "origin": "https://ours.example:8000"},
        {"origin": "https://ours.example"},
        {"origin": "https://ours.example:8000.evil.example"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://["},
        {"origin": "ours.example:8000"},
    ],
)
def test_another_site_may_not_act(headers: dict[str, str], check: Check) -> None:
    with pytest.raises(CrossSite):
        check(asked(**headers), NOBODY)


def test_what_is_no_browser_may_call_the_interface_but_sends_no_forms() -> None:
    check_interface(asked(), NOBODY)
    with pytest.raises(CrossSite):
        check_page(asked(), NOBODY)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_anybody_may_link_to_a_page(method: str) -> None:
    """Looking changes nothing; the pages of another site cannot read the answer."""
    check_page(asked(method, sec_fetch_site="cross-site"), NOBODY)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("place", ["cross-site", "same-site"])
def test_another_site_may_not_even_look_at_the_interface(method: str, place: str) -> None:
    """Ten pictures that lead to a stream would take all the places of whoever sees them."""
    with pytest.raises(CrossSite):
        check_interface(asked(method, sec_fetch_site=place), NOBODY)
    check_interface(asked(method, sec_fetch_site="same-origin"), NOBODY)
    check_interface(asked(method), NOBODY)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "post", "BREW"])
def test_whatever_is_no_look_is_an_act(method: str) -> None:
    with pytest.raises(CrossSite):
        check_page(asked(method, sec_fetch_site="cross-site"), NOBODY)
