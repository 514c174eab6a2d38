"""Three PostgreSQL servers on this machine of which Patroni lets one lead (SCALE-2).

Owns starting them, ending one as abruptly as a power cut would, and seeing when all is well again.
Commits wait for one of the other two: that is what a cluster is for that loses nothing.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import psycopg
from tests.cluster.programs import Programs, find_programs

NAMES: Final = ("one", "two", "three")
# How long a leader that says nothing is waited for; Patroni takes no less.
LEASE_S: Final = 20
PATIENCE_S: Final = 120
_LOOK_AGAIN_S: Final = 0.1

Found = TypeVar("Found")

# Reads until its standard input ends, which happens when we close it and also when we are killed.
_GUARD: Final = """
read -r _
kill -KILL $(cat "$1"/*/pid) 2>/dev/null
for file in "$1"/*/data/postmaster.pid; do kill -QUIT "$(head -n 1 "$file")" 2>/dev/null; done
rm -rf "$1"
"""


class ClusterFailed(AssertionError):
    """The cluster did not come to where it should."""


def until(look: Callable[[], Found | None], what: str, *, patience_s: float = PATIENCE_S) -> Found:
    """What is found at last. What other processes come to can only be looked for."""
    began_s = monotonic()
    while (found := look()) is None:
        if monotonic() - began_s > patience_s:
            raise ClusterFailed(f"not within {patience_s} s: {what}")
        sleep(_LOOK_AGAIN_S)
    return found


class Node:
    """One machine of the cluster: a Patroni and its server."""

    def __init__(self, name: str, folder: Path, programs: Programs) -> None:
        self.name = name
        self.port, self.api_port = _free_ports(2)
        self._folder = folder / name
        self._programs = programs
        self.patroni: subprocess.Popen[bytes] | None = None
        self._folder.mkdir()
        if programs.account is not None:
            os.chown(self._folder, programs.account.uid, programs.account.gid)

    def configure(self, etcd_port: int) -> None:
        """Write down what Patroni has to know."""
        settings = _settings(self, self._folder, self._programs, etcd_port)
        # What is JSON is YAML.
        (self._folder / "patroni.yml").write_text(json.dumps(settings, indent=1))

    def start(self) -> None:
        """Switch the machine on."""
        with (self._folder / "log").open("ab") as log:
            self.patroni = subprocess.Popen(
                [self._programs.python, "-m", "patroni", self._folder / "patroni.yml"],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **self._programs.popen_options,
            )
        (self._folder / "pid").write_text(f"{self.patroni.pid}\n")

    def cut_power(self) -> None:
        """End everything on the machine at once: no process of it does anything more."""
        self.end_patroni()
        self.end_server()

    def end_patroni(self) -> None:
        """Only what looks after the server."""
        assert self.patroni is not None
        self.patroni.kill()
        self.patroni.wait()
        (self._folder / "pid").unlink()
        self.patroni = None

    def end_server(self) -> None:
        """Only the server: the process that all others of it come from first, then the others."""
        lines = (self._folder / "data" / "postmaster.pid").read_text().splitlines()
        postmaster = int(lines[0])
        backends = _children_of(postmaster)
        for process in (postmaster, *backends):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        until(lambda: None if _is_there(postmaster) else True, f"{self.name} ends")

    @property
    def has_ended(self) -> bool:
        """Whether Patroni ended by itself, which it does only where it cannot begin."""
        return self.patroni is not None and self.patroni.poll() is not None

    @property
    def log(self) -> str:
        """What Patroni and the server said last."""
        return (self._folder / "log").read_text(errors="replace")[-4000:]

    def ask(self, path: str, said: dict[str, str] | None = None) -> Any:
        """What its Patroni answers; ``None`` if it does not."""
        body = None if said is None else json.dumps(said).encode()
        address = f"http://127.0.0.1:{self.api_port}{path}"
        request = urllib.request.Request(
            address, data=body, headers={"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                text = answer.read().decode()
        except OSError:
            return None
        return json.loads(text) if text.startswith(("{", "[")) else text


class Cluster:
    """The three nodes, and the etcd in which they keep who leads."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="dmcl-", dir="/tmp"))
        self._folder.chmod(0o755)
        self._guard: subprocess.Popen[bytes] | None = None
        self._etcd: subprocess.Popen[bytes] | None = None
        self.nodes: Sequence[Node] = ()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def url(self, database: str = "postgres") -> str:
        """All of them at once; who leads is found by whoever connects."""
        servers = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"postgresql://postgres@{servers}/{database}?target_session_attrs=read-write"

    @contextmanager
    def leading(self, database: str = "postgres") -> Iterator[psycopg.Connection]:
        """A connection to who leads. Raises ``psycopg.OperationalError`` while nobody does."""
        with psycopg.connect(self.url(database), autocommit=True, connect_timeout=3) as connection:
            yield connection

    def leader(self) -> Node:
        """Who leads, once somebody does."""
        port = until(self._leading_port, "somebody leads")
        return next(node for node in self.nodes if node.port == port)

    def standbys(self) -> tuple[Node, Node]:
        """The one that every commit waits for, and the other one. For a cluster that is whole."""
        roles = self._roles(self.leader())
        return roles["sync_standby"], roles["replica"]

    def wait_until_followed_by(self, node: Node) -> None:
        """Come back when it is this one that every commit waits for."""

        def is_followed() -> bool | None:
            return self._roles(self.leader()).get("sync_standby") is node or None

        until(is_followed, f"commits wait for {node.name}")

    def wait_until_whole(self) -> Node:
        """Come back when one leads, one follows each commit, and one follows; who leads."""
        return until(self._whole, "one leads and two follow")

    def mend(self) -> None:
        """Switch on what is off."""
        for node in self.nodes:
            if node.patroni is None:
                node.start()

    def hand_over(self) -> None:
        """Let another lead, with everybody's consent."""
        leader = self.wait_until_whole()
        successor, _ = self.standbys()
        said = leader.ask("/switchover", {"leader": leader.name, "candidate": successor.name})
        if said is None:
            raise ClusterFailed("nobody hands over")
        until(lambda: True if self._leading_port() == successor.port else None, "another leads")

    # Starting and stopping --------------------------------------------------------------------

    def _start(self) -> None:
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "sh", self._folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        programs = find_programs(self._folder)
        etcd_port = self._start_etcd(programs)
        self.nodes = [Node(name, self._folder, programs) for name in NAMES]
        for node in self.nodes:
            node.configure(etcd_port)
            node.start()
        try:
            self.wait_until_whole()
        except ClusterFailed as failed:
            logs = "\n".join(f"--- {node.name}\n{node.log}" for node in self.nodes)
            raise ClusterFailed(f"{failed}\n{logs}") from None

    def _start_etcd(self, programs: Programs) -> int:
        port, peer_port = _free_ports(2)
        ours, peers = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer_port}"
        folder = self._folder / "etcd"
        folder.mkdir()
        with (folder / "log").open("wb") as log:
            self._etcd = subprocess.Popen(
                [
                    *(programs.etcd, "--data-dir", folder / "data", "--name", "etcd"),
                    *("--listen-client-urls", ours, "--advertise-client-urls", ours),
                    *("--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers),
                    *("--initial-cluster", f"etcd={peers}"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        (folder / "pid").write_text(f"{self._etcd.pid}\n")
        return port

    def _stop(self) -> None:
        if self._guard is not None:
            self._guard.communicate()
            self._guard = None
        for process in (*(node.patroni for node in self.nodes), self._etcd):
            if process is not None:
                process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    # Looking ----------------------------------------------------------------------------------

    def _leading_port(self) -> int | None:
        try:
            with self.leading() as connection:
                return connection.info.port
        except psycopg.OperationalError:
            return None

    def _roles(self, leader: Node) -> dict[str, Node]:
        """The nodes by what Patroni says they are; those that are well, that is."""
        said = leader.ask("/cluster") or {"members": []}
        nodes = {node.name: node for node in self.nodes}
        return {
            member["role"]: nodes[member["name"]]
            for member in said["members"]
            if member["state"] in ("running", "streaming")
        }

    def _whole(self) -> Node | None:
        """Who leads, if PostgreSQL and Patroni agree that all is well."""
        for node in self.nodes:
            if node.has_ended:
                raise ClusterFailed(f"Patroni of {node.name} has ended")
        try:
            with self.leading() as connection:
                port = connection.info.port
                follow = connection.execute(
                    "SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'"
                ).fetchall()
        except psycopg.OperationalError:
            return None
        leader = next(node for node in self.nodes if node.port == port)
        roles = self._roles(leader)
        is_whole = (
            sorted(follow) == [("async",), ("sync",)]
            and roles.keys() == {"leader", "sync_standby", "replica"}
            and roles["leader"] is leader
        )
        return leader if is_whole else None


# How a node is set up ---------------------------------------------------------------------------


def _settings(node: Node, folder: Path, programs: Programs, etcd_port: int) -> dict[str, Any]:
    here = "127.0.0.1"
    return {
        "scope": "dmcore",
        "name": node.name,
        "restapi": {
            "listen": f"{here}:{node.api_port}",
            "connect_address": f"{here}:{node.api_port}",
        },
        "etcd3": {"hosts": [f"{here}:{etcd_port}"]},
        "bootstrap": {
            "dcs": {
                "ttl": LEASE_S,
                "loop_wait": 2,
                "retry_timeout": 5,
                "synchronous_mode": True,
                "postgresql": {"use_pg_rewind": True, "use_slots": True},
            },
            "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, "data-checksums"],
        },
        "postgresql": {
            "listen": f"{here}:{node.port}",
            "connect_address": f"{here}:{node.port}",
            "data_dir": str(folder / "data"),
            "bin_dir": str(programs.server.folder),
            "pgpass": str(folder / "pgpass"),
            "authentication": {
                "superuser": {"username": "postgres"},
                "replication": {"username": "replicator"},
            },
            "parameters": {
                "unix_socket_directories": str(folder),
                "max_connections": 100,
                "shared_buffers": "64MB",
                "wal_keep_size": "512MB",
            },
            "pg_hba": [
                "local all all trust",
                f"host all all {here}/32 trust",
                f"host replication replicator {here}/32 trust",
            ],
            "remove_data_directory_on_rewind_failure": True,
            "remove_data_directory_on_diverged_timelines": True,
        },
    }


# Ports and processes ----------------------------------------------------------------------------


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    held = [socket.socket() for _ in range(count)]
    for it in held:
        it.bind(("127.0.0.1", 0))
    ports: list[int] = [it.getsockname()[1] for it in held]
    for it in held:
        it.close()
    return ports


def _children_of(parent: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            # Behind the name, which may hold anything but ends with the last parenthesis.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent:
                found.append(int(folder.name))
    return found


def _is_there(process: int) -> bool:
    """Whether it runs; one that has ended and was not taken notice of does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
