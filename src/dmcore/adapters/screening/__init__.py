"""Screeners that ship: the standard library alone, each linear in the length of the text."""

from dmcore.adapters.screening.first_contact import FirstContact
from dmcore.adapters.screening.links import LinksAndContacts
from dmcore.adapters.screening.repetition import Burst, Repetition
from dmcore.adapters.screening.words import WordList

__all__ = ["Burst", "FirstContact", "LinksAndContacts", "Repetition", "WordList"]
