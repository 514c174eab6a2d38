"""The forum as a Flask application."""

from pathlib import Path
from typing import Self

from flask import Flask


class Community:
    """``app`` is the site."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.app = Flask(__name__)
        self.app.add_url_rule("/", view_func=self._home)

    def _home(self) -> str:
        return "<!doctype html><title>Community</title>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """Nothing is open yet."""
