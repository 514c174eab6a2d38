"""The benchmark suite: `python -m bench`, or `make bench`."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

from bench.agreement import check_agreement, check_health
from bench.capacity import find_capacity
from bench.capacity_page import capacity_page
from bench.growth import growth, growth_page
from bench.hosts import Load, measure_hosts
from bench.hosts_report import are_reached, hosts_section, hosts_table
from bench.large import find_large
from bench.large_report import large_lines, large_section
from bench.measure import Outcome, Plan, measure
from bench.operations import operations
from bench.population import Population
from bench.postman import postman_beside
from bench.profiling import chosen, profile
from bench.report import machine, noise, page, table
from bench.scale import Scale
from bench.sections import with_section, with_sections_of
from bench.stores import Store, postgres_store, sqlite_store

_DOCS: Final = Path(__file__).resolve().parents[1] / "docs"
_PAGE: Final = _DOCS / "benchmarks.md"
_GROWTH_PAGE: Final = _DOCS / "growth.md"
_CAPACITY_PAGE: Final = _DOCS / "capacity.md"
_STORES: Final = {"postgres": postgres_store, "sqlite": sqlite_store}

_QUICK: Final = (Scale(users=300, conversations=1_000, messages=30_000), Plan(rounds=3, calls=60))
_USUAL: Final = (
    Scale(users=2_000, conversations=10_000, messages=200_000),
    Plan(rounds=11, calls=200),
)
# Fewer messages than in the first have no place that is 5,000 deep.
_GROWTH: Final = (
    _QUICK[0],
    Scale(users=10_000, conversations=50_000, messages=1_000_000),
    Scale(users=50_000, conversations=250_000, messages=5_000_000),
)
_FULL: Final = (
    Scale(users=10_000, conversations=50_000, messages=1_000_000),
    Plan(rounds=15, calls=300),
)


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="small and short, for a first look")
    size.add_argument("--full", action="store_true", help="a million messages")
    for name in ("users", "conversations", "messages", "rounds", "calls"):
        parser.add_argument(f"--{name}", type=int, metavar="N")
    parser.add_argument(
        "--growth",
        action="store_true",
        help="measure with 30,000, 1 and 5 million messages, or with --messages at most so many",
    )
    parser.add_argument(
        "--hosts", action="store_true", help="put the example sites under load, over HTTP"
    )
    for name, default, what in (
        ("listeners", Load().users, "people, who listen too"),
        ("sends", Load().sends, "messages a second"),
        ("reads", Load().reads, "pages a second"),
    ):
        parser.add_argument(
            f"--{name}",
            type=type(default),
            default=default,
            metavar="N",
            help=f"of the sites: {what} (%(default)s)",
        )
    parser.add_argument(
        "--capacity", action="store_true", help="measure what one PostgreSQL holds and bears"
    )
    parser.add_argument("--only", choices=sorted(_STORES), help="measure one store")
    parser.add_argument("--free", action="store_true", help="let the system place the processes")
    parser.add_argument(
        "--check", action="store_true", help="exit 1 where a first target is missed"
    )
    parser.add_argument("--write-docs", action="store_true", help="write the page of docs/")
    parser.add_argument(
        "--large", action="store_true", help="very large things, and how much memory they take"
    )
    parser.add_argument(
        "--lines", type=int, metavar="N", default=1_000_000, help="of the record to replay"
    )
    parser.add_argument(
        "--profile", metavar="OPERATION", help="profile what begins so instead of measuring"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(tempfile.gettempdir()),
        help="where the databases are put; a short path on a real disk",
    )
    arguments = parser.parse_args(given)
    if arguments.write_docs and (arguments.only or arguments.profile) and not arguments.growth:
        parser.error("the page is about all stores and all operations")
    if arguments.hosts and (arguments.growth or arguments.profile):
        parser.error("sites are loaded alone")
    if arguments.growth and arguments.profile:
        parser.error("one operation is profiled at one size")
    try:
        arguments.scale, arguments.plan = _amounts(arguments)
    except ValueError as fault:
        parser.error(str(fault))
    return arguments


def _amounts(arguments: argparse.Namespace) -> tuple[Scale, Plan]:
    scale, plan = _USUAL
    if arguments.quick or arguments.full:
        scale, plan = _QUICK if arguments.quick else _FULL
    return (
        Scale(
            users=arguments.users or scale.users,
            conversations=arguments.conversations or scale.conversations,
            messages=arguments.messages or scale.messages,
        ),
        Plan(
            rounds=arguments.rounds or plan.rounds,
            calls=arguments.calls or plan.calls,
            is_apart=not arguments.free,
        ),
    )


def main(given: Sequence[str] | None = None) -> int:
    """Measure what the arguments ask for and print it."""
    arguments = _arguments(given)
    scale, plan = arguments.scale, arguments.plan
    if arguments.hosts:
        return _load(arguments)
    if arguments.large:
        return _find_large(arguments)
    if arguments.growth:
        return _grow(arguments, plan)
    if arguments.capacity:
        shown = capacity_page(find_capacity(scale, arguments.folder))
        print(shown)
        if arguments.write_docs:
            _CAPACITY_PAGE.write_text(shown, encoding="utf-8")
        return 0
    population = Population(scale)
    outcomes = []
    for name, opened in _STORES.items():
        if arguments.only in (None, name):
            _tell(f"{name}: {scale}")
            with opened(population, arguments.folder) as store:
                check_agreement(store)
                found = operations(store)
                if arguments.profile is not None:
                    print(profile(chosen(found, arguments.profile)))
                    continue
                outcomes.append(measure(store, found, plan, arguments.folder, _tell))
                if name == "postgres":
                    outcomes.append(_beside_postman(store, plan, arguments.folder))
                _tell(f"{name}: verifying")
                check_health(store)
    _show(outcomes)
    if arguments.write_docs:
        _write(page(outcomes, scale, plan))
    missed = any(
        it.reaches(it.operation.targets.first) is False
        for outcome in outcomes
        for it in outcome.measured
    )
    return 1 if arguments.check and missed else 0


def _load(arguments: argparse.Namespace) -> int:
    """The example sites as processes, asked over HTTP."""
    load = Load(users=arguments.listeners, sends=arguments.sends, reads=arguments.reads)
    found = measure_hosts(load, arguments.folder, _tell)
    print(f"\n{hosts_table(found, load)}")
    if arguments.write_docs:
        before = _PAGE.read_text(encoding="utf-8")
        _PAGE.write_text(with_section(before, hosts_section(found, load)), encoding="utf-8")
    return 1 if arguments.check and not are_reached(found) else 0


def _find_large(arguments: argparse.Namespace) -> int:
    found = find_large(arguments.folder, arguments.lines, _tell)
    print("\n".join(large_lines(found)))
    if arguments.write_docs:
        before = _PAGE.read_text(encoding="utf-8")
        _PAGE.write_text(with_section(before, large_section(found)), encoding="utf-8")
    return 0


def _write(new: str) -> None:
    """The page, with what other runs wrote about other things."""
    before = _PAGE.read_text(encoding="utf-8")
    _PAGE.write_text(with_sections_of(new, before), encoding="utf-8")


def _grow(arguments: argparse.Namespace, plan: Plan) -> int:
    """The same operations on populations of growing size, each on a store of its own."""
    found: dict[str, list[Outcome]] = {}
    most = arguments.messages or _GROWTH[-1].messages
    scales = [scale for scale in _GROWTH if scale.messages <= most]
    for scale in scales:
        population = Population(scale)
        for name, opened in _STORES.items():
            if arguments.only in (None, name):
                _tell(f"{name}: {scale}")
                with opened(population, arguments.folder) as store:
                    outcome = measure(store, operations(store), plan, arguments.folder, _tell)
                    found.setdefault(store.name, []).append(outcome)
    print(growth(found, scales))
    if arguments.write_docs:
        _GROWTH_PAGE.write_text(growth_page(found, scales, plan), encoding="utf-8")
    return 0


def _beside_postman(store: Store, plan: Plan, folder: Path) -> Outcome:
    beside = f"django-postman {version('django-postman')}"
    _tell(f"filling {beside}")
    with postman_beside(store) as found:
        return measure(store, found, plan, folder, _tell, beside=beside)


def _show(outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        print(f"\n{table(outcome)}\n\ncalibration: {noise(outcome.calibrations)}")
    if outcomes:
        print("\n" + "\n".join(f"{name}: {said}" for name, said in machine(outcomes).items()))


def _tell(what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
