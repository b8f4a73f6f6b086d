"""The words that ask for JSON, where a provider has no other way to be asked, or wants to read them beside it."""

from collections.abc import Iterable
from typing import Final

JSON_INSTRUCTION: Final = "Answer with one JSON object and nothing else: no words around it, no code fence."


def says_json(texts: Iterable[str]) -> bool:
    """Say whether any of the texts has the word, without which OpenAI refuses to write a JSON object."""
    return any("json" in text.lower() for text in texts)
