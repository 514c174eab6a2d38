"""Where a site listens when nobody says where: five of them may be open at once."""

import socket

USUAL = 8000


def port_of(asked: int | None, usual: int = USUAL) -> int:
    """The port that was asked for, else the usual one, or 0, which is any, where that is taken."""
    if asked is not None:
        return asked
    try:
        with socket.create_server(("127.0.0.1", usual)):
            return usual
    except OSError:
        return 0
