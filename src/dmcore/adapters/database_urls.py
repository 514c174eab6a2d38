"""Reading the URL of a database, also of one that is on several servers of which one leads.

SQLAlchemy takes several servers among the options only; libpq, and whoever runs a cluster, write
them where the one would be.
"""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

# As SQLAlchemy splits a URL, except that what is between login and database may be a list.
_PARTS: Final = re.compile(
    r"(?P<scheme>[\w+]+://)(?>(?P<login>[^:/]*(?::[^@]*)?@)?)"
    r"(?P<servers>[^/?@]*,[^/?@]*)(?P<rest>.*)",
    re.DOTALL,
)
_SERVER: Final = re.compile(r"(?:\[(?P<address>[^]]+)]|(?P<name>[^:\[\]]+))(?::(?P<port>\d*))?")


def read_url(text: str) -> URL:
    """The URL, with several servers as SQLAlchemy wants them: ``host=h1,h2&port=p1,p2``.

    Raises ``ArgumentError`` and ``ValueError``, which may quote it.
    """
    parts = _PARTS.fullmatch(text)
    if parts is None:
        return make_url(text)
    url = make_url(f"{parts['scheme']}{parts['login'] or ''}{parts['rest']}")
    if "host" in url.query or "port" in url.query:
        raise ArgumentError("the servers are named twice")
    servers = [_SERVER.fullmatch(it) for it in parts["servers"].split(",")]
    hosts, ports = [], []
    for server in servers:
        if server is None:
            raise ArgumentError("a server has no name, or a port that is no number")
        hosts.append(server["address"] or unquote(server["name"]))
        ports.append(server["port"] or "")
    named = {"host": ",".join(hosts)}
    if any(ports):
        named["port"] = ",".join(ports)
    return url.update_query_dict(named)


def hosts_of(url: URL) -> Sequence[str]:
    """The servers that a URL of PostgreSQL names, as it writes them; none where it names none."""
    named = url.query.get("host", url.host or ())
    names = [named] if isinstance(named, str) else named
    return [it for name in names for it in name.split(",")]


def ports_of(url: URL) -> Sequence[str]:
    """The ports that it names, each as it is written."""
    if url.port is not None:
        return [str(url.port)]
    named = url.query.get("port", ())
    ports = [named] if isinstance(named, str) else named
    return [it for port in ports for it in port.split(",") if it]
