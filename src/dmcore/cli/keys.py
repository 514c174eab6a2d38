"""Keys: encryption at rest turned on, its keys changed, texts sealed. Never a key, never a text.

The keyring lies apart from the messages, so each of these is written down first, in the journal of
who does it, and then done (AUD-1, ADR 50).
"""

from contextlib import closing
from typing import Annotated

import attrs
import typer

from dmcore.adapters import sql
from dmcore.cli.interrupts import interrupts_wait
from dmcore.cli.keyrings import named_keys
from dmcore.cli.options import DEFAULT_OPERATOR, DEFAULT_URL, AsJson, Url
from dmcore.cli.render import facts_table, print_json, print_rows, sentence
from dmcore.cli.stores import lasting
from dmcore.domain.ids import User, parse_tenant_id, parse_user_id
from dmcore.domain.key_work import KeyWork

keys = typer.Typer(
    help="Encryption at rest: turn it on, change its keys, seal what is not sealed yet.\n\n"
    "The keyring and the key file are named before the command, or in the environment: see"
    " `dmcore --help`. What changes any of it is in the operator's journal first.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

Most = Annotated[
    int | None, typer.Option("--most", min=1, help="Stop after about so many, to go on later.")
]
Operator = Annotated[
    str, typer.Option("--operator", help="Who does it, for the journal of the store at --url.")
]


@keys.command()
def init(
    *, url: Url = DEFAULT_URL, operator: Operator = DEFAULT_OPERATOR, as_json: AsJson = False
) -> None:
    """Make a key file and a keyring where there are none, and turn encryption on.

    New texts are sealed from then on; what is there stays readable, and `dmcore keys seal` seals
    it. Keep the key file and the keyring apart from the messages and from their backups. Without
    them nobody reads the texts again.
    """
    address = lasting(url)
    keyring, key_file = named_keys().both()
    from dmcore.adapters import crypto

    # Not beside a keyring: a new key would not open it, and hide that the right one is missing.
    made_key = not crypto.is_initialised(keyring) and crypto.KeyFile.make(key_file)
    made_keyring = crypto.initialise(keyring, master=named_keys().master())
    with closing(crypto.AesGcm(named_keys().open())) as encryption:
        turned_on = sql.encrypt(address.url, encryption=encryption, operator=operator)
    if as_json:
        print_json(
            {
                "made_key_file": made_key,
                "made_keyring": made_keyring,
                "turned_on": turned_on,
                "location": address.place,
            }
        )
        return
    made = [
        name for name, is_made in (("key file", made_key), ("keyring", made_keyring)) if is_made
    ]
    if made:
        print_rows(
            sentence(f"Made: {' and '.join(made)}. Keep a copy where no backup of messages is.")
        )
    done = "Encryption is on" if turned_on else "Encryption was on already"
    print_rows(sentence(f"{done}: {address.place}."))
    print_rows(sentence("Next: `dmcore keys seal` seals what was written before."))


@keys.command()
def rotate(
    *,
    users: Annotated[
        bool,
        typer.Option("--users", help="Give every user a new key instead, for texts from now on."),
    ] = False,
    url: Url = DEFAULT_URL,
    operator: Operator = DEFAULT_OPERATOR,
    as_json: AsJson = False,
) -> None:
    """Add a new master key to the key file, and wrap keys under it from now on.

    `dmcore keys rewrap` then brings the keys of users under it. With --users it is every user who
    gets a new key, and `dmcore keys seal` then seals their texts under it: run that a minute later,
    when every process has noticed.
    """
    with closing(named_keys().open()) as keyring:
        _note(url, operator, KeyWork.ROTATE_USERS if users else KeyWork.ROTATE)
        if users:
            keyring.rotate_users()
        else:
            keyring.rotate_master(named_keys().master().renewed())
        found = keyring.status()
    if as_json:
        print_json(attrs.asdict(found))
        return
    if users:
        print_rows(sentence("Every user gets a new key with their next text."))
        print_rows(sentence("Next, in a minute: `dmcore keys seal`."))
    else:
        print_rows(sentence(f"New master key; keys of users to rewrap: {found.to_rewrap:,}."))
        print_rows(sentence("Next: `dmcore keys rewrap`."))


@keys.command()
def rewrap(
    *,
    most: Most = None,
    url: Url = DEFAULT_URL,
    operator: Operator = DEFAULT_OPERATOR,
    as_json: AsJson = False,
) -> None:
    """Bring the keys of users under the newest master key. It can be stopped and run again."""
    done = 0
    with closing(named_keys().open()) as keyring, interrupts_wait() as check:
        _note(url, operator, KeyWork.REWRAP)
        while True:
            some = keyring.rewrap() if most is None else keyring.rewrap(most=most - done)
            done += some.done
            if some.left == 0 or (most is not None and done >= most):
                break
            check()
    if as_json:
        print_json({"rewrapped": done, "left": some.left})
    else:
        print_rows(sentence(f"Rewrapped: {done:,}. Left: {some.left:,}."))


@keys.command()
def seal(
    *,
    url: Url = DEFAULT_URL,
    most: Most = None,
    operator: Operator = DEFAULT_OPERATOR,
    as_json: AsJson = False,
) -> None:
    """Seal every text that is not sealed, or not under the newest key of who wrote it.

    It can be stopped at any time and run again: what is done is passed over. Messaging goes on
    meanwhile.
    """
    address = lasting(url)
    done = sql.Sealed()
    with closing(named_keys().open()) as keyring, interrupts_wait() as check:
        from dmcore.adapters.crypto import AesGcm

        for so_far in sql.seal(
            address.url, encryption=AesGcm(keyring), most=most, operator=operator
        ):
            done = so_far
            check()
    if as_json:
        print_json(attrs.asdict(done))
        return
    print_rows(sentence(f"Messages looked at: {done.seen:,}. Sealed: {done.sealed:,}."))
    if done.unreadable:
        print_rows(sentence(f"Nobody can open any more: {done.unreadable:,}.", style="bold"))
    if not done.is_complete:
        print_rows(sentence("There are more: run it again."))


@keys.command()
def destroy(
    user: Annotated[str, typer.Argument(metavar="USER", help="The id of a user.")],
    *,
    tenant: Annotated[str, typer.Option("--tenant", help="The user's tenant.")] = "",
    is_sure: Annotated[bool, typer.Option("--yes", help="Destroy them, for good.")] = False,
    url: Url = DEFAULT_URL,
    operator: Operator = DEFAULT_OPERATOR,
    as_json: AsJson = False,
) -> None:
    """Destroy the keys of a user: nobody reads again what they wrote, in any copy of it.

    `dmcore erase` does this too, and closes the user before: what somebody writes in the minute in
    which other processes still hold the keys, nobody can read. Without --yes nothing happens.
    """
    address = lasting(url)
    if is_sure:
        with closing(named_keys().open()) as keyring:
            with address.open() as dm:
                dm.operations(operator).note_key_work(KeyWork.DESTROY, user=user, tenant=tenant)
            keyring.destroy(User(parse_tenant_id(tenant), parse_user_id(user)))
    if as_json:
        print_json({"destroyed": is_sure, "location": address.place})
    elif is_sure:
        print_rows(sentence("Destroyed. Other processes notice within a minute."))
    else:
        print_rows(sentence("Nothing was destroyed; --yes does it, for good."))


@keys.command()
def status(*, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Show whether texts are encrypted, and how many keys there are: no names, no keys.

    `plain` is how many messages and copies of an encrypted database are not sealed. After `dmcore
    keys seal` it is 0 and stays 0: another number says that somebody else wrote into the database.
    """
    address = lasting(url)
    is_encrypted = sql.is_encrypted(address.url)
    rows: dict[str, object] = {"location": address.place, "encrypted": is_encrypted}
    if is_encrypted:
        rows["plain"] = sql.count_plain(address.url)
    if named_keys().is_named:
        with closing(named_keys().open()) as keyring:
            rows |= attrs.asdict(keyring.status())
    if as_json:
        print_json(rows)
        return
    rows["encrypted"] = "yes" if is_encrypted else "no"
    print_rows(facts_table(rows))


def _note(url: str, operator: str, work: KeyWork) -> None:
    """Write it down, in the store whose keys they are, before it is done."""
    with lasting(url).open() as dm:
        dm.operations(operator).note_key_work(work)
