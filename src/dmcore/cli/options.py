"""The options that commands share."""

from typing import Annotated, Final

import typer

DEFAULT_URL: Final = "sqlite:///dmcore.db"
DEFAULT_OPERATOR: Final = "operator"
DEFAULT_MODERATOR: Final = "moderator"
DEFAULT_ROLES: Final = "dmcore"

Url = Annotated[
    str,
    typer.Option(
        "--url",
        envvar="DMCORE_URL",
        help="The store: sqlite:///FILE or postgresql://USER@HOST/NAME.",
    ),
]
AnyUrl = Annotated[
    str,
    typer.Option(
        "--url",
        envvar="DMCORE_URL",
        help="The store: sqlite:///FILE, postgresql://USER@HOST/NAME, or memory:, which is gone"
        " when the command ends.",
    ),
]
HOST_VARIABLE: Final = "DMCORE_HOST_URL"
HostUrl = Annotated[
    str | None,
    typer.Option(
        "--host-url",
        envvar=HOST_VARIABLE,
        help="The site's own database, as the site names it: the store must not be in it.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")]
