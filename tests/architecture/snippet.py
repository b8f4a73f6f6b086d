"""The code blocks of the documents, and what the words after a block's language ask of it."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from tests.architecture.layout import project_files, shown

FENCE: Final = re.compile(
    r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)

# Blocks that nothing checks: plain output, and pictures drawn as text.
FREE: Final = frozenset({"text", "mermaid", "diff", "http"})
SHELLS: Final = frozenset({"sh", "console"})


class Snippet(NamedTuple):
    """One code block. The first word after the fence is its language, the others ask for something.

    `gateway`: it talks to a gateway on 127.0.0.1:8080, so the end-to-end suite runs it.
    `fragment`: a part of a policy that does not stand alone.
    """

    page: Path
    line: int
    language: str
    words: tuple[str, ...]
    text: str

    @property
    def place(self) -> str:
        """The way a person finds it."""
        return f"{shown(self.page)}:{self.line}"

    def commands(self) -> Iterator[list[str]]:
        """Give each command of a shell block as words; in a console block only what stands after the prompt."""
        for line in self.text.replace("\\\n", " ").splitlines():
            if self.language == "console" and not line.startswith("$ "):
                continue
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if words:
                yield words


def snippets() -> list[Snippet]:
    """Give every code block of every Markdown page of the project."""
    return [
        Snippet(page, text[: found.start()].count("\n") + 1, *_language(found["info"]), _dedent(found))
        for page in project_files()
        if page.suffix == ".md"
        for text in [page.read_text("utf-8")]
        for found in FENCE.finditer(text)
    ]


def _language(info: str) -> tuple[str, tuple[str, ...]]:
    language, *words = info.split() or [""]
    return language, tuple(words)


def _dedent(found: re.Match[str]) -> str:
    return re.sub(rf"^{found['indent']}", "", found["text"], flags=re.MULTILINE)
