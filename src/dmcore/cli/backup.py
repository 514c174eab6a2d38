"""Backing a store up, and bringing it back into nothing. Never content, never a key."""

from pathlib import Path
from typing import Annotated

import attrs
import typer

from dmcore.adapters import sql
from dmcore.cli.operate import turning_on, verdict, verdict_findings, with_url
from dmcore.cli.options import DEFAULT_OPERATOR, DEFAULT_URL, AsJson, HostUrl, Url
from dmcore.cli.render import facts_table, print_json, print_rows, sentence, teller
from dmcore.cli.stores import lasting

Tools = Annotated[
    Path | None,
    typer.Option(
        "--tools",
        envvar="DMCORE_POSTGRES_TOOLS",
        metavar="FOLDER",
        help="PostgreSQL: where pg_dump and pg_restore are, if not on the path or by the server.",
    ),
]


def backup(
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help="A folder that is not there yet.")
    ],
    *,
    url: Url = DEFAULT_URL,
    tools: Tools = None,
    as_json: AsJson = False,
) -> None:
    """Copy the whole store into a new folder, while messaging goes on.

    Everything that was acknowledged before is in it. The folder is there when it is whole: a file,
    and a manifest with its checksum. Encrypted texts stay encrypted; keys are not in it, so keep
    those apart. On PostgreSQL pg_dump does it, which has to be as new as the server.
    """
    address = lasting(url)
    address.check()
    manifest = sql.back_up(address.url, target, tools=tools, tell=teller(as_json=as_json))
    if as_json:
        print_json({**_facts(manifest), "target": str(target)})
        return
    print_rows(
        sentence(f"Backed up: {address.place} into {target}."),
        facts_table({"messages": manifest.messages, "bytes": manifest.size}),
        sentence("Keep the ledger too: `dmcore erasures export FILE`, after each erasure."),
    )


def restore(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="The folder of a backup.")],
    *,
    ledger: Annotated[
        Path | None,
        typer.Option("--ledger", help="The ledger of erasures, as `erasures export` wrote it."),
    ] = None,
    roles: Annotated[
        str | None,
        typer.Option("--roles", help="Row-level security with roles whose names begin like this."),
    ] = None,
    url: Url = DEFAULT_URL,
    host_url: HostUrl = None,
    tools: Tools = None,
    operator: Annotated[
        str, typer.Option("--operator", help="Who does it, for the journal.")
    ] = DEFAULT_OPERATOR,
    as_json: AsJson = False,
) -> None:
    """Bring a backup back: into a file that is not there, or a database without dmcore's tables.

    Messaging is off in it until an operator turns it on. With --ledger, whoever was erased since
    the backup is erased again. In the end the store is verified; the exit status is 1 where
    something is wrong in it. A backup of encrypted texts needs its keyring.
    """
    address = lasting(url)
    address.check()
    done = sql.restore(
        address.url,
        source,
        operator=operator,
        ledger=() if ledger is None else _lines(ledger),
        encryption=address.encryption(),
        roles=roles,
        host_url=host_url,
        tools=tools,
        tell=teller(as_json=as_json),
    )
    if as_json:
        facts = {"erased_again": list(done.erased_again), **verdict(done.findings)}
        print_json({**_facts(done.manifest), "location": address.place, **facts})
    else:
        print_rows(
            sentence(f"Restored: {address.place}, as of {done.manifest.taken_at:%Y-%m-%d %H:%M}."),
            facts_table(
                {"messages": done.manifest.messages, "erased again": len(done.erased_again)}
            ),
            *verdict_findings(done.findings),
        )
        if ledger is None:
            print_rows(
                sentence(
                    "Whoever was erased since is back: "
                    + with_url("dmcore erasures reapply FILE", url)
                    + "."
                )
            )
        print_rows(sentence(f"Messaging is off; {turning_on(url)} turns it on."))
    if done.findings:
        raise typer.Exit(1)


def _lines(ledger: Path) -> list[str]:
    return ledger.read_text(encoding="ascii", errors="backslashreplace").splitlines()


def _facts(manifest: sql.Manifest) -> dict[str, object]:
    return {"taken_at": manifest.taken_at.isoformat(), **attrs.asdict(manifest)}
