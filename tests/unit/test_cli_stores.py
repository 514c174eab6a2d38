"""Store addresses: what may be shown of them."""

import pytest

from dmcore.cli.stores import StoreAddress


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("memory:", "memory"),
        ("sqlite:///dm.db", "dm.db"),
        ("sqlite:////var/lib/dm.db", "/var/lib/dm.db"),
        ("postgresql://olga:geheim@db.example:5433/messages", "messages on db.example"),
        ("postgresql://olga:geheim@/messages?host=/run/pg&password=geheim", "messages on /run/pg"),
        ("postgresql://olga@/messages?host=one&host=two", "messages on one, two"),
        ("postgresql://olga:geheim@one:5433,two/messages", "messages on one, two"),
        ("postgresql+psycopg://olga:geheim@", "the default database on this machine"),
    ],
)
def test_a_place_has_neither_user_nor_password(url: str, place: str) -> None:
    address = StoreAddress(url)
    assert address.place == place
    assert "geheim" not in repr(address)
