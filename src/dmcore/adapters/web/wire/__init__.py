"""The JSON interface: a request value in, messaging asked, a response value out. No framework."""

from collections.abc import Sequence
from typing import Any

from dmcore.adapters.web.wire import _openapi
from dmcore.adapters.web.wire._endpoint import Endpoint
from dmcore.adapters.web.wire._problems import refuse
from dmcore.adapters.web.wire._tables import ENDPOINTS, EVERY, endpoints_of

ROUTES = tuple(endpoint.route for endpoint in EVERY)
"""Every way in; to whom a site opens those of roles is not decided here."""

__all__ = ["ENDPOINTS", "EVERY", "ROUTES", "endpoints_of", "openapi", "refuse"]


def openapi(root: str, endpoints: Sequence[Endpoint] = EVERY) -> dict[str, Any]:
    """The description of the interface in OpenAPI 3.1, for one that begins at ``root``."""
    return _openapi.document(endpoints, root)
