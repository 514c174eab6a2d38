"""What a cluster is made of: etcd, Patroni, PostgreSQL, and a Python that runs Patroni.

Found where `make cluster` puts it, or where the machine has it. Nothing is fetched here.
"""

import os
import shutil
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import attrs

from dmcore.testing.postgres import Account, Binaries, find_binaries

FETCHED: Final = Path(".cache/cluster").absolute()
_HOW: Final = "`make cluster` gets what is missing"

# What nothing in a running Patroni asks for, of the standard library's hundred megabytes.
_LEFT_OUT: Final = shutil.ignore_patterns(
    "site-packages", "test", "idlelib", "tkinter", "ensurepip", "lib2to3", "config-*", "*.a"
)


class ProgramMissing(RuntimeError):
    """This machine cannot run a cluster."""


@attrs.frozen(kw_only=True)
class Programs:
    """Everything that is started, and as whom."""

    etcd: Path
    python: Path
    environment: dict[str, str]
    server: Binaries
    account: Account | None

    @property
    def popen_options(self) -> dict[str, Any]:
        """What makes ``subprocess`` start one of them."""
        identity = {} if self.account is None else self.account.popen_options()
        return {"env": self.environment, **identity}


def find_programs(spare: Path) -> Programs:
    """All of them, copied below ``spare`` where whoever runs them could not read them."""
    account = Account.for_user(os.geteuid())
    python, home = _python_for(account, spare / "python")
    packages = _packages_for(account, spare / "packages")
    own = {name: it for name, it in os.environ.items() if not name.startswith(("PG", "PYTHON"))}
    return Programs(
        etcd=_etcd(),
        python=python,
        environment={**own, "LC_ALL": "C", "PYTHONPATH": str(packages), **home},
        server=find_binaries(account=account).brought_to(account, spare=spare / "server"),
        account=account,
    )


def _etcd() -> Path:
    installed = shutil.which("etcd")
    found = FETCHED / "usr/bin/etcd" if installed is None else Path(installed)
    if not found.is_file():
        raise ProgramMissing(f"There is no etcd. {_HOW}.")
    return found


def _packages_for(account: Account | None, spare: Path) -> Path:
    packages = FETCHED / "patroni"
    if not (packages / "patroni").is_dir():
        raise ProgramMissing(f"There is no Patroni. {_HOW}.")
    if account is None or account.can_run(packages):
        return packages
    shutil.copytree(packages, spare)
    return spare


def _python_for(account: Account | None, spare: Path) -> tuple[Path, dict[str, str]]:
    """The Python that runs the tests, or a copy of it where root keeps it to itself."""
    base = Path(sys.base_prefix)
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    program = (base / "bin" / name).resolve()
    if account is None or account.can_run(program):
        return program, {}
    library = Path(sysconfig.get_path("stdlib"))
    _copy([program], spare / "bin")
    shutil.copytree(library, spare / library.relative_to(base), ignore=_LEFT_OUT, symlinks=True)
    _copy((base / "lib").glob("libpython*.so*"), spare / "lib")
    home = {"PYTHONHOME": str(spare), "LD_LIBRARY_PATH": str(spare / "lib")}
    return spare / "bin" / program.name, home


def _copy(files: Iterable[Path], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copy2(file, folder, follow_symlinks=False)
