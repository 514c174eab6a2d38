"""The tutorials are true: their files, run as they stand, are sites where two people can write.

`tests/unit/test_docs.py` runs the commands of the same pages. Django has one configuration for a
process, so its project is asked in a process of its own, through its own test client.
"""

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from tests.unit.test_docs import ROOT, blocks, is_file, put
from tests.web.asgi_hosts import StarletteClient
from tests.web.flask_hosts import FlaskClient
from tests.web.hosts import Client
from tests.web.test_docs_hosts import Headers, converse

from dmcore import Mode
from dmcore.adapters import sql

TUTORIALS = ROOT / "docs/tutorials"
URL = "sqlite:///dmcore.db"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which messaging is on, as after the second step."""
    monkeypatch.chdir(tmp_path)
    sql.initialise(URL)
    with sql.open_sync(URL) as dm:
        dm.operations("operator").set_mode(Mode.ON)
    return tmp_path


def written(name: str, folder: Path) -> list[Path]:
    """The files of a tutorial."""
    files = [block for block in blocks(TUTORIALS / f"{name}.md") if is_file(block)]
    for file in files:
        put(file, folder)
    return [folder / file.name for file in files]


def imported(file: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names of a program that is found as a server finds it."""
    spec = spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    # Frameworks look annotations up there.
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return vars(module)


def signed_in(client: Client, user: str) -> Headers:
    """As somebody who presses the button of the home page."""
    assert f'formaction="/sign-in/{user}"' in client.request("GET", "/", user=None).text
    answer = client.request("POST", f"/sign-in/{user}", user=None)
    assert answer.headers["location"] == "/people/bob"
    assert "samesite=lax" in answer.headers["set-cookie"].lower()
    return {"cookie": answer.headers["set-cookie"].partition(";")[0]}


@pytest.mark.parametrize("name", ["fastapi", "flask", "litestar", "starlette"])
def test_the_site_of_a_tutorial_lets_two_people_write(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file,) = written(name, folder)
    names = imported(file, monkeypatch)
    kind = FlaskClient if name == "flask" else StarletteClient
    client = kind(names["app"], root="")
    converse(client, signed_in(client, "ann"), signed_in(client, "bob"))
    nobody = client.request("POST", "/sign-in/eve", user=None).headers.get("set-cookie", "=")
    eve: Headers = {"cookie": nobody.partition(";")[0]}
    assert client.request("GET", "/messages/", user=None, headers=eve).status == 401
    client.close(names["messages"].close)
    names["dm"].close()


# What two people do at the project, after the first steps of the page.
AT_THE_PROJECT = """
import django, os
os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
os.environ["DJANGO_SUPERUSER_PASSWORD"] = "change me"
from django.test import Client
clients = {}
for name in ("ann", "bob"):
    call_command("createsuperuser", interactive=False, username=name, email=f"{name}@example.org",
                 verbosity=0)
    client = clients[name] = Client(headers={"host": "localhost", "sec-fetch-site": "same-origin"})
    place = "/admin/login/?next=/people/2"
    assert client.get("/messages/").status_code == 401
    answer = client.post(place, {"username": name, "password": "change me"})
    assert answer["location"] == "/people/2", answer
ann, bob = clients.values()
profile = ann.get("/people/2").content.decode()
assert "<h1>bob</h1>" in profile and 'action="/messages/open"' in profile
form = "user=bob&body=Hello+Bob&key=once"
started = ann.post("/messages/start", form, "application/x-www-form-urlencoded")
assert started.status_code == 303
assert "1 unread" in bob.get("/people/1").content.decode()
assert "Hello Bob" in bob.get(started["location"]).content.decode()
assert bob.get("/people/3").status_code == 404
from mysite.urls import dm, messages
messages.close()
dm.close()
print("They wrote.")
"""


def test_the_project_of_the_tutorial_of_django_lets_two_people_write(folder: Path) -> None:
    django_admin = Path(sys.executable).with_name("django-admin")
    subprocess.run([django_admin, "startproject", "mysite", "."], check=True)
    (file,) = written("django", folder)
    assert file == folder / "mysite/urls.py"
    command = [sys.executable, "-c", AT_THE_PROJECT]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.stdout == "They wrote.\n", ran.stderr
