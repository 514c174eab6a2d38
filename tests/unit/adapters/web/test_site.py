"""What a host says about itself."""

from datetime import timedelta
from typing import Any

import pytest

from dmcore.adapters.web import Person, Site, Viewer
from dmcore.errors import InvalidSetting


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("live", "websocket"),
        ("live", ["stream"]),
        ("poll_every", timedelta(0)),
        ("look_every", timedelta(seconds=-1)),
        ("check_every", timedelta(0)),
        ("check_every", 3),
        ("most_streams", 0),
        ("most_streams_in_all", 0),
        ("most_streams", True),
        ("most_streams", 1.5),
        ("upgrade_url", "javascript:alert(1)"),
        ("trusted_origins", ["https://ours.example/"]),
        ("trusted_origins", ["ours.example"]),
        ("trusted_origins", ["null"]),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused(setting: str, value: Any) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Site(**{setting: value})
    assert caught.value.details["setting"] == setting


def test_settings_that_can_be_meant_are_kept() -> None:
    site = Site(
        live="poll",
        upgrade_url="/pay",
        trusted_origins=["https://a.example", "http://localhost:3000"],
    )
    assert site.trusted_origins == {"https://a.example", "http://localhost:3000"}
    assert Site(upgrade_url="https://pay.example/x").upgrade_url == "https://pay.example/x"


@pytest.mark.promise("LEAK-1")
def test_a_sign_in_is_not_shown() -> None:
    assert "s3cret" not in repr(Viewer(user="ann", session="s3cret"))


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", " /x"]
)
def test_a_profile_leads_to_a_page(url: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Person(name="Ann", url=url)
    assert caught.value.details["setting"] == "url"


def test_a_person_may_have_a_profile_here_or_elsewhere() -> None:
    for url in ("/people/ann", "https://ours.example/ann", "http://localhost/x", None):
        assert Person(name="Ann", url=url).url == url
