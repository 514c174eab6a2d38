"""What was said before anybody looks: a new site is switched on, and not empty."""

from dmcore import Message
from dmcore.adapters import sql
from dmcore.presets import RESIDENTS
from examples.residents.database import Databases
from examples.residents.messaging import opened_store
from examples.residents.people import People

_SAID = (
    ("Jonas Weber", "Marta Nowak", "A parcel for you came to me. I am at home from six on."),
    ("Marta Nowak", "Jonas Weber", "Thank you! I ring at seven."),
    ("Samuel Okoro", "Marta Nowak", "Does the washing machine in the cellar work again?"),
    ("Ines Ferreira", "Samuel Okoro", "Would you like to share the garden bed by the wall?"),
    ("Tove Lund", "Pavel Horak", "The lift stops between floors again. Shall we write to them?"),
)


async def told(databases: Databases) -> None:
    """Turn messaging on, which only the operators' login may, and have some of them write."""
    with sql.open_sync(databases.operations, policy=RESIDENTS) as operating:
        operating.operations("caretaker").set_mode("on")
    people = await People.opened(databases.host)
    dm = await opened_store(databases, people)
    residents = {it.name: it for it in await people.everybody()}
    heard: dict[tuple[str, str], Message] = {}
    for sender, recipient, text in _SAID:
        writer = residents[sender]
        mailbox = dm.mailbox(writer.id, tenant=writer.organisation)
        question = heard.get((sender, recipient))
        if question is not None:
            await mailbox.mark_read(question.conversation, through=question.id)
        heard[recipient, sender] = await mailbox.start(residents[recipient].id, text)
    await dm.close()
    await people.close()
