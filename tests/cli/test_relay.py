"""Events on their way out, from the command line."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.relay.conftest import WebhookServer

from dmcore import Entry
from dmcore.adapters import sql
from dmcore.adapters.relay import Callback, Relay

SECRET = "whsec_" + "a" * 43 + "="

pytestmark = pytest.mark.promise("OPS-8")


@pytest.fixture
def server() -> Iterator[WebhookServer]:
    made = WebhookServer()
    yield made
    made.close()


@pytest.fixture
def talking(run: Run, tmp_path: Path) -> Path:
    """A store in which Ann wrote to Bob, and a secret in a file."""
    run("init")
    run("mode", "on")
    with sql.open_sync("sqlite:///dmcore.db") as dm:
        dm.mailbox("ann").start("bob", "the door code is zebra")
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    return tmp_path


def test_nobody_takes_events_at_first(run: Run, talking: Path) -> None:
    assert talking.exists()
    assert run("relay", "status").out == "Events leave for nobody.\n"
    assert run("relay", "status", "--json").facts == {"consumers": []}
    assert run("status", "--json").facts["consumers"] == []


@pytest.mark.promise("LEAK-1")
def test_events_leave_for_a_webhook(run: Run, talking: Path, server: WebhookServer) -> None:
    options = ("--webhook", server.url, "--secret-file", "secret", "--name", "hook", "--drain")
    done = run("relay", "run", *options)
    assert (done.status, done.out) == (0, "Delivered 4, failed 0, set aside 0.\n")
    assert len(server.requests) == 4
    assert run("relay", "run", *options, "--json").facts == {
        "delivered": 0,
        "failed": 0,
        "set_aside": 0,
        "is_available": True,
    }
    assert talking.exists()


@pytest.mark.promise("OPS-8")
def test_to_drain_ends_where_nobody_takes_anything(run: Run, talking: Path) -> None:
    assert talking.exists()
    options = ("--webhook", "http://127.0.0.1:1/", "--secret-file", "secret", "--drain")
    done = run("relay", "run", *options)
    told = "Delivered 0, failed 0, set aside 0. Nobody takes the rest now; it waits.\n"
    assert (done.status, done.out) == (1, told)
    found = run("relay", "run", *options, "--json")
    assert (found.status, found.facts["is_available"]) == (1, False)
    assert run("relay", "status", "--json").facts["consumers"][0]["behind"] == 3


@pytest.mark.promise("OPS-2")
def test_references_are_kept_in_a_database_of_the_hosts(run: Run, talking: Path) -> None:
    done = run("relay", "run", "--host-url", "sqlite:///host.db", "--drain")
    assert done.status == 0
    rows = sqlite3.connect(talking / "host.db")
    query = "SELECT user_id, other_id, unread FROM dm_reference ORDER BY 1"
    assert rows.execute(query).fetchall() == [("ann", "bob", 0), ("bob", "ann", 1)]
    rows.close()
    assert run("relay", "status").out.splitlines()[1].split() == [
        "host-references",
        "none",
        "0",
        "0",
    ]
    refused = run("relay", "run", "--host-url", "sqlite:///dmcore.db", "--drain")
    assert refused.code == "shared_database"
    assert run("verify", "--host-url", "sqlite:///host.db").status == 0


@pytest.mark.promise("OPS-8")
def test_what_could_not_be_delivered_is_in_the_exit_status(
    run: Run, talking: Path, server: WebhookServer
) -> None:
    options = ("--webhook", server.url, "--secret-file", "secret", "--drain")
    server.status = 500
    done = run("relay", "run", *options)
    assert (done.status, done.out) == (1, "Delivered 0, failed 3, set aside 0.\n")
    assert run("relay", "run", *options, "--json").status == 0  # None of them is due.
    assert run("relay", "status", "--json").facts["consumers"][0]["behind"] == 3
    (talking / "secret").write_text("whsec_ü")
    assert run("relay", "run", *options).code == "invalid_setting"


@pytest.mark.promise("OPS-2")
def test_a_database_of_the_hosts_that_is_not_there_is_told(run: Run, talking: Path) -> None:
    assert talking.exists()
    for host in ("sqlite:///no/such/host.db", "postgresql://ann:zebra@127.0.0.1:1/x"):
        done = run("relay", "run", "--host-url", host, "--drain")
        assert done.code in {"consumer_unavailable", "store_unavailable"}
        assert "zebra" not in done.err


@pytest.mark.promise("OPS-3")
def test_what_waits_and_what_was_set_aside_is_shown_and_tried_again(
    run: Run, talking: Path
) -> None:
    with sql.open_sync("sqlite:///dmcore.db") as dm:
        operations = dm.operations("olga")
        operations.add_consumer("hook")

        def fails(event: Entry) -> None:
            if event.owner.id == "bob":
                raise LookupError("the door code is zebra")

        worker = Relay(operations, Callback(fails), name="hook", attempts=1)
        worker.run_once()
        worker.run_once()
    found = run("relay", "aside", "--name", "hook")
    assert found.out.split()[6:11] == ["bob", "1", "1", "LookupError", found.out.split()[10]]
    (fact,) = run("relay", "aside", "--name", "hook", "--json").facts["set_aside"]
    assert (fact["user"], fact["position"], fact["error"]) == ("bob", 1, "LookupError")
    assert "zebra" not in found.out
    (status,) = run("status", "--json").facts["consumers"]
    assert (status["consumer"], status["set_aside"]) == ("hook", 1)
    assert "hook" in run("status").out
    assert run("relay", "retry", "--name", "hook", "--user", "bob", "--position", "1").out == (
        "To be tried once more: 1.\n"
    )
    assert run("relay", "retry", "--name", "hook", "--json").facts == {"retried": 1}
    assert run("relay", "retry", "--name", "hook", "--position", "1").code == "invalid_setting"
    assert run("relay", "forget", "--name", "hook").out == "Forgotten: hook.\n"
    run("relay", "run", "--host-url", "sqlite:///host.db", "--name", "x", "--drain")
    assert run("relay", "aside", "--name", "x").out == "Nothing is set aside.\n"
    assert run("relay", "forget", "--name", "x", "--json").facts == {"forgotten": "x"}
    assert run("relay", "forget", "--name", "x").code == "unknown_consumer"
    assert talking.exists()


def test_what_is_wrong_is_told_in_one_line(run: Run, talking: Path) -> None:
    (talking / "short").write_text("whsec_aaaa")
    for options, code in (
        ((), "invalid_setting"),
        (("--webhook", "https://example.com"), "invalid_setting"),
        (("--webhook", "https://example.com", "--secret-file", "short"), "invalid_setting"),
        (("--webhook", "https://example.com", "--secret-file", "none"), "system"),
        (("--webhook", "http://example.com", "--secret-file", "secret"), "invalid_setting"),
        (("--host-url", "mysql://me:secret@host/x"), "invalid_setting"),
        (("--host-url", "sqlite:///host.db", "--secret-file", "secret"), "invalid_setting"),
    ):
        ran = run("relay", "run", *options)
        assert ran.code == code
        assert SECRET not in ran.err
        assert "me:secret" not in ran.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_when_it_is_told_to(
    talking: Path, server: WebhookServer, number: signal.Signals
) -> None:
    """In the middle of a delivery: that one is finished, and the lease given back."""
    running = _delivering(talking, server)
    running.send_signal(number)
    server.goes_on.set()
    out, err = running.communicate()
    assert (running.returncode, err) == (0, "")
    assert out.startswith("Delivered ")
    with sql.open_sync(f"sqlite:///{talking / 'dmcore.db'}") as dm:
        (status,) = dm.operations("olga").consumers()
    assert status.is_running is False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_told_twice_it_does_not_wait_for_a_delivery(
    talking: Path, server: WebhookServer, number: signal.Signals
) -> None:
    running = _delivering(talking, server)
    while running.poll() is None:
        running.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            running.wait(0.1)
    server.goes_on.set()
    out, _ = running.communicate()
    # By the system itself where one more came when it had ended already.
    assert (running.returncode in (130, -number), out) == (True, "")


def _delivering(talking: Path, server: WebhookServer) -> "subprocess.Popen[str]":
    """A relay in the middle of a delivery, which goes on when the server does."""
    server.goes_on.clear()
    options = ("--webhook", server.url, "--secret-file", "secret", "--name", "hook")
    program = "import sys; from dmcore.cli import main; sys.exit(main())"
    running = subprocess.Popen(
        [sys.executable, "-c", program, "relay", "run", *options],
        cwd=talking,
        env={**os.environ, "COLUMNS": "80"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    server.arrived.wait()
    return running
