"""PostgreSQL under row-level security, and the logins that an operator would make there."""

import os
import secrets
from collections.abc import Iterator
from typing import Final

import attrs
import psycopg
import pytest
from sqlalchemy import make_url
from tests.support.choosing import leave_out, subject_of
from tests.support.stores import Colour, PostgresHarness

from dmcore.adapters import sql
from dmcore.testing.postgres import PostgresServer
from dmcore.testing.world import World

_BY_DAY: Final = {
    "TestAccess[secured]",
    "TestEvidence[secured]",
    "TestFlags[secured]",
    "TestReceipts[secured]",
    "TestRelaying[secured]",
    "TestReplies[secured-async]",
    "TestRequestsCrossing[secured]",
    "TestTenants[secured-async]",
    "TestVerify[secured]",
}
# These ask the ports behind the facades, as nobody; and nobody sees nothing.
_AS_NOBODY: Final = ("TestOutbox", "TestPorts", "TestTransactions")
_AS_NOBODY_TOO: Final = (
    "test_what_is_kept_out_at_the_end_is_passed_over_once",
    "test_what_is_not_kept_any_more_is_never_skipped_in_silence",
    "test_a_snapshot_leads_back_into_a_feed_that_expired",
    "test_the_store_itself_notices_a_report_that_is_there_already",
)
_IS_NIGHTLY: Final = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out of the conformance suite what does not apply, and by day most of it."""
    leave_out(config, items, "rls", _applies)


def _applies(item: pytest.Item) -> bool:
    subject = subject_of(item)
    if not subject:
        return True
    name, _, store = item.name.partition("[")
    if subject in _AS_NOBODY or name in _AS_NOBODY_TOO:
        return False
    colour = "secured-async" if "secured-async" in store else "secured"
    return _IS_NIGHTLY or f"{subject}[{colour}]" in _BY_DAY


@attrs.frozen
class Logins:
    """One database under row-level security, and URLs of it for each kind of login."""

    admin: str = attrs.field(repr=False)
    prefix: str

    def of(self, *roles: str) -> str:
        """The URL of a login that is granted these of the five roles."""
        name = "_".join((self.prefix, "login", *roles))
        with psycopg.connect(conninfo(self.admin), autocommit=True) as connection:
            known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (name,))
            if known.fetchone() is None:
                granted = ", ".join(f"{self.prefix}_{role}" for role in roles)
                connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
                connection.execute(f"GRANT {granted} TO {name}")
        return (
            make_url(self.admin)
            .set(username=name, password="x")
            .render_as_string(hide_password=False)
        )

    def connect(self, *roles: str) -> psycopg.Connection:
        """A connection of such a login, for raw SQL."""
        return psycopg.connect(conninfo(self.of(*roles)))


def conninfo(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


class SecuredHarness(PostgresHarness):
    """Opened by the site's login, looked into by an administrator."""

    kind = "secured"

    def __init__(self, logins: Logins, colour: Colour = Colour.SYNC) -> None:
        super().__init__(logins.admin, colour)
        self.logins = logins
        self.url = logins.of("application", "operator")


@pytest.fixture(scope="session")
def logins(postgres_server: PostgresServer) -> Iterator[Logins]:
    """A database that is set up once, with roles of its own, which go away with it."""
    url = postgres_server.create_database()
    prefix = f"dmt_{secrets.token_hex(4)}"
    sql.initialise(url, roles=prefix)
    yield Logins(url, prefix)
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        made = connection.execute(
            "SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s)", (prefix,)
        ).fetchall()
        for (role,) in made:
            connection.execute(f"DROP OWNED BY {role} CASCADE")
            connection.execute(f"DROP ROLE {role}")
    postgres_server.drop_database(url)


@pytest.fixture(params=["secured", "secured-async"])
def harness(request: pytest.FixtureRequest, logins: Logins) -> Iterator[SecuredHarness]:
    """An empty store under row-level security, in each colour."""
    colour = Colour.ASYNC if request.param.endswith("async") else Colour.SYNC
    made = SecuredHarness(logins, colour)
    made.clear()
    yield made
    made.close()


@pytest.fixture
def secured(logins: Logins) -> Iterator[World]:
    """A small world under row-level security, asked directly."""
    harness = SecuredHarness(logins)
    harness.clear()
    yield World(harness)
    harness.close()
