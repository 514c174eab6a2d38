"""The pages about frameworks are true: their programs run, are short, and two people can write.

`tests/unit/test_docs.py` runs the same blocks; here what they made is asked through the test client
of each framework, before the last block of a page ends it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.unit.test_docs import ROOT, Block, as_module, blocks, run_python
from tests.web import django_hosts
from tests.web.asgi_hosts import StarletteClient
from tests.web.django_hosts import AsyncDjangoClient, DjangoClient
from tests.web.flask_hosts import FlaskClient
from tests.web.hosts import Client

from dmcore import Mode
from dmcore.adapters import sql

HOSTS = ROOT / "docs/hosts"
URL = "sqlite:///messages.db"
Headers = dict[str, str | None]


@pytest.fixture
def page(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page, in an empty folder with what its commands set up."""
    monkeypatch.chdir(tmp_path)
    sql.initialise(URL)
    with sql.open_sync(URL) as dm:
        dm.operations("operator").set_mode(Mode.ON)
    name: str = request.param
    return HOSTS / f"{name}.md"


def programs(page: Path) -> list[Block]:
    return [block for block in blocks(page) if block.language == "python"]


def run(page: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The names of a page whenever it shows a whole site; its last block ends everything."""
    names = as_module(monkeypatch)
    *first, last = programs(page)
    for block in first:
        run_python(block, page, names)
        if "sign_out" in names or "leave" in names:
            yield names
    run_python(last, page, names)


def by_cookie(client: Client, user: str) -> Headers:
    answer = client.request("POST", f"/sign-in?user={user}", user=None)
    assert answer.headers["location"] == "/messages/"
    assert "samesite=lax" in answer.headers["set-cookie"].lower()
    return {"cookie": answer.headers["set-cookie"].partition(";")[0]}


def converse(client: Client, ann: Headers, bob: Headers, *, has_profiles: bool = True) -> None:
    """Ann writes to Bob; he reads it and answers."""
    ask = client.request
    assert ask("GET", "/messages/", user=None).status == 401
    if has_profiles:
        profile = ask("GET", "/people/bob", user=None, headers=ann).text
        assert 'action="/messages/open"' in profile
        assert 'href="/messages/static/dmcore.css' in profile
    form = {"user": "bob", "body": "Hello Bob", "key": "form-1"}
    started = ask("POST", "/messages/start", user=None, form=form, headers=ann)
    assert started.status == 303
    if has_profiles:
        assert "1 unread" in ask("GET", "/people/ann", user=None, headers=bob).text
    place = urlsplit(started.headers["location"]).path
    assert "Hello Bob" in ask("GET", place, user=None, headers=bob).text
    answer = {"body": "Hello Ann", "key": "form-2"}
    assert ask("POST", place, user=None, form=answer, headers=bob).status == 303
    unread = ask("GET", "/messages/api/unread-count", user=None, headers=ann)
    assert unread.json() == {"unread": 1}
    elsewhere = {**ann, "sec-fetch-site": "cross-site"}
    assert ask("POST", place, user=None, form=answer, headers=elsewhere).status == 403


@pytest.mark.parametrize("page", ["asgi", "litestar", "fastapi", "flask"], indirect=True)
def test_two_people_write_to_each_other_on_the_site_of_a_page(
    page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for names in run(page, monkeypatch):
        kind = FlaskClient if page.stem == "flask" else StarletteClient
        client = kind(names["app"], root="")
        ann, bob = by_cookie(client, "ann"), by_cookie(client, "bob")
        converse(client, ann, bob)
        left = client.request("POST", "/sign-out", user=None, headers=ann)
        assert left.headers["location"] == "/"
        client.close(lambda: None)


@pytest.mark.parametrize("page", ["django"], indirect=True)
def test_two_people_write_to_each_other_on_the_sites_of_the_page_of_django(
    page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    django_hosts.set_up()
    kinds = [DjangoClient, AsyncDjangoClient]
    for names in run(page, monkeypatch):
        kind = kinds.pop(0)
        client = kind(names["urlpatterns"], root="")
        ann: Headers = {"x-user": "ann"}
        converse(client, ann, {"x-user": "bob"}, has_profiles=kind is DjangoClient)
        client.close(lambda: None)
    assert kinds == []


@pytest.mark.parametrize("name", ["asgi", "litestar", "fastapi", "flask", "django"])
def test_a_site_is_embedded_in_under_thirty_lines(name: str) -> None:
    program = programs(HOSTS / f"{name}.md")[0]
    assert len(program.text.splitlines()) < 30
