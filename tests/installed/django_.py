"""Django, with nothing of its own but what it takes to serve a page."""

import sys
from typing import Any

import django  # type: ignore[import-untyped]
from django.conf import settings  # type: ignore[import-untyped]
from django.test import Client  # type: ignore[import-untyped]
from django.urls import include, path  # type: ignore[import-untyped]
from tests.installed.exchange import write_to_each_other

from dmcore.adapters import memory
from dmcore.adapters.web.django import Messages

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["testserver"], SECRET_KEY="x")
django.setup()
dm = memory.open_sync()
messages = Messages(dm, identify=lambda request: request.headers.get("x-user"))
urlpatterns: list[Any] = [path("messages/", include(messages.urls))]
assert sys.modules[__name__].urlpatterns

write_to_each_other(dm)
assert Client().get("/messages/").status_code == 401
answer = Client().get("/messages/", headers={"x-user": "ann"})
assert answer.status_code == 200
assert "Hello Ann" in answer.content.decode()
messages.close()
dm.close()
