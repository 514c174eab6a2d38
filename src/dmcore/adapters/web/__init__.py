"""Messaging over HTTP: a JSON interface, pages and live updates, the same in every framework."""

from dmcore.adapters.web._site import Person, Site
from dmcore.adapters.web._values import Document, Viewer

__all__ = ["Document", "Person", "Site", "Viewer"]
