"""Two operators who shorten the same journal at once."""

from dmcore.operations._acting import prune
from dmcore.ports.transactions import writing
from dmcore.testing.blocking import runner_of
from dmcore.testing.world import World


def test_who_comes_second_with_less_changes_nothing(world: World) -> None:
    """Two operators at once: the one who found less to forget is late."""
    for number in range(3):
        world.ann.mute(world.ann.start("bob", str(number)).conversation)
        world.ann.unmute(world.ann.inbox().items[0].conversation)
    first, *_, last = world.journal("ann")
    runner = runner_of(world.dm)
    runner.run(writing(prune, owner=last.owner, through=last.position))
    with world.unchanged():
        runner.run(writing(prune, owner=first.owner, through=first.position))
    assert world.journal("ann") == []
    assert world.is_sound()
