"""Refusals over HTTP: one body and one status for each error (RFC 9457)."""

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.web.described import valid

from dmcore import errors
from dmcore.adapters.web import Site, _errors, wire
from dmcore.adapters.web._values import Request, Response
from dmcore.adapters.web._words import notice_of
from dmcore.adapters.web.wire._answering import as_json
from dmcore.adapters.web.wire._examples import EXAMPLES
from dmcore.errors import DmcoreError, LimitReached


def refused(error: DmcoreError) -> tuple[Response, dict[str, str], Any]:
    request = Request(method="GET", root="/messages/api", path="/threads")
    response = wire.refuse(Site(), request, error)
    return response, dict(response.headers), json.loads(response.body)


def classes() -> set[type[DmcoreError]]:
    found = [*vars(errors).values(), *vars(_errors).values()]
    return {kind for kind in found if isinstance(kind, type) and issubclass(kind, DmcoreError)}


def test_every_error_that_a_client_can_meet_has_an_example() -> None:
    """The rest is met by the host alone: when it opens the store, or as no error of its own."""
    hosts_own = {DmcoreError, errors.InvalidSetting, errors.StoreError, errors.WrongSchema}
    # One text that cannot be opened is shown as such, in its place.
    hosts_own |= {errors.NotEncrypted, errors.UnreadableText}
    hosts_own |= {errors.WrongRole, errors.InvalidLedger}
    # As `NotErasable`, with whatever else cannot be erased.
    hosts_own |= {errors.NotYourself}
    hosts_own |= {errors.InvalidBackup, errors.NotAFreshStore, errors.MissingTool}
    hosts_own |= {errors.SharedDatabase, errors.HostUnavailable}
    # Consumers of events are an operator's at the command line.
    hosts_own |= {errors.UnknownConsumer, errors.ConsumerUnavailable}
    # A device that seals raises them where it is, and whoever verifies a transcript.
    hosts_own |= {errors.UntrustedKeys, errors.WrongPassphrase, errors.InvalidTranscript}
    assert set(EXAMPLES) == classes() - hosts_own


@pytest.mark.parametrize("error", EXAMPLES.values(), ids=lambda error: error.code)
def test_a_problem_tells_the_code_the_sentence_and_the_details(error: DmcoreError) -> None:
    response, headers, problem = refused(error)
    assert response.status == error.http_status
    assert headers["Content-Type"] == "application/problem+json"
    assert problem == {
        **error.details,
        "type": f"urn:dmcore:error:{error.code}",
        "title": problem["title"],
        "status": error.http_status,
        "detail": str(error),
        "notice": notice_of(error).text,
        "code": error.code,
    }
    assert problem["title"].replace(" ", "_").lower() == error.code
    valid({"$ref": f"#/components/schemas/{type(error).__name__}"}, problem)


@pytest.mark.parametrize("error", EXAMPLES.values(), ids=lambda error: error.code)
def test_only_what_passes_says_when_to_try_again(error: DmcoreError) -> None:
    _, headers, _ = refused(error)
    assert ("Retry-After" in headers) == (error.http_status in {429, 503})


@pytest.mark.promise("LIMIT-1")
@pytest.mark.parametrize(
    ("wait", "seconds"),
    [
        (timedelta(microseconds=1), "1"),
        (timedelta(seconds=1), "1"),
        (timedelta(seconds=1, microseconds=1), "2"),
        (timedelta(seconds=11, milliseconds=500), "12"),
        (timedelta(hours=24), "86400"),
    ],
)
def test_a_limit_is_over_when_the_header_says_so(wait: timedelta, seconds: str) -> None:
    """Whole seconds, rounded up: who obeys them is not refused again. The body has it exactly."""
    _, headers, problem = refused(LimitReached("messages", wait))
    assert headers["Retry-After"] == seconds
    assert problem["retry_after_s"] == wait.total_seconds()


def test_a_method_that_a_path_does_not_have_is_answered_with_those_it_has() -> None:
    _, headers, problem = refused(_errors.MethodNotAllowed({"PUT", "DELETE"}))
    assert headers["Allow"] == problem["allowed"] == "DELETE, PUT"


def test_an_error_from_elsewhere_is_refused_all_the_same() -> None:
    class Elsewhere(DmcoreError):
        code = "elsewhere"
        http_status = 418

    response, _, problem = refused(Elsewhere("half a character: \ud800", more="\udfff"))
    assert response.status == 418
    assert (problem["detail"], problem["more"]) == ("half a character: \ud800", "\udfff")


def test_encoding_an_answer_never_fails() -> None:
    body = as_json({"odd": "\ud800", "even": "schön \U0001f600"}).body
    assert json.loads(body) == {"odd": "\ud800", "even": "schön \U0001f600"}
    assert "schön \U0001f600".encode() in body
