"""A window without scripts at a product as it is served: pages, forms, cookies, redirects.

It sends what a browser would, through the test client of a framework or to a server.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import (
    HTTPCookieProcessor,
    HTTPRedirectHandler,
    ProxyHandler,
    Request,
    build_opener,
)

from tests.web.browsing import Page, fields_of, tree_of
from tests.web.hosts import PATIENCE_S, Answer, joined


class Window(ABC):
    """One browser in front of a site. Whoever signs in in it is kept in its cookies."""

    def get(self, path: str) -> Page:
        """The page at a path, or where it leads."""
        return self._followed(path, self.ask("GET", path))

    def post(self, path: str, fields: Mapping[str, str]) -> Page:
        """What sending a form leads to in the end."""
        return self._followed(path, self.ask("POST", path, fields))

    def press(self, page: Page, button: str, nth: int = 0, **typed: str) -> Page:
        """Press the button that begins so, with other values in its fields."""
        forms = [
            (form, each)
            for form in page.tree.all("form", method="post")
            for each in form.all("button")
            if each.text.startswith(button)
        ]
        form, pressed = forms[nth]
        fields = {
            name: value for name, value in fields_of(form).items() if value is not None
        } | typed
        if "name" in pressed.attributes:
            fields[pressed.attributes["name"]] = pressed.attributes["value"]
        action = form.attributes.get("action", page.path)
        return self.post(pressed.attributes.get("formaction", action), fields)

    def follow(self, page: Page, link: str) -> Page:
        """Follow the first link that has this in it."""
        found = next(it for it in page.tree.all("a", href=None) if link in it.text)
        return self.get(found.attributes["href"])

    def ask(self, method: str, path: str, fields: Mapping[str, str] | None = None) -> Answer:
        """One request, as a browser sends it from a page of the site; nothing is followed."""
        headers = {"Sec-Fetch-Site": "same-origin"}
        body = b""
        if fields is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(fields).encode()
        return self._request(method, path.partition("#")[0], body, headers)

    def _followed(self, path: str, answer: Answer) -> Page:
        if answer.status in {302, 303}:
            assert not urlsplit(answer.headers["location"]).netloc
            return self.get(answer.headers["location"])
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        return Page(path, answer, tree_of(answer.text))

    @abstractmethod
    def _request(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> Answer: ...


class FlaskWindow(Window):
    """At a site in Flask."""

    def __init__(self, app: Any) -> None:
        self._client = app.test_client()

    def _request(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        response = self._client.open(path, method=method, data=body, headers=dict(headers))
        return Answer(response.status_code, joined(list(response.headers)), response.get_data())


class HttpWindow(Window):
    """At a site at an address."""

    def __init__(self, address: str) -> None:
        self._address = address.rstrip("/")
        cookies = HTTPCookieProcessor(CookieJar())
        self._opener = build_opener(ProxyHandler({}), cookies, _Staying())

    def _request(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        data = body if method == "POST" else None
        asked = Request(self._address + path, data, dict(headers), method=method)
        try:
            response: Any = self._opener.open(asked, timeout=PATIENCE_S)
        except HTTPError as refused:
            response = refused
        with response:
            return Answer(response.status, joined(response.getheaders()), response.read())


class _Staying(HTTPRedirectHandler):
    """Follows nothing by itself."""

    def redirect_request(self, *_request: Any) -> None:
        return None
