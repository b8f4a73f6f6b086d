r"""Write a text that matches a regular expression of the simple kind that JSON schemas use.

Understood: literals, `.`, classes, `\d \w \s` and their opposites, groups, alternatives, quantifiers, anchors.
Everything else (look-around, back-references, …) gives None. The expression is never run, so it cannot be made to hang.
"""

import string
from collections.abc import Callable
from typing import Final, TypeAlias

from seawall.sandbox.draw import Draw

LONGEST_PATTERN: Final = 500
LONGEST_TEXT: Final = 1_000
_EXTRA_REPEATS: Final = 3  # an open quantifier repeats at most this often beyond what it must

_Writer: TypeAlias = Callable[[Draw], str]

_WORD: Final = string.ascii_letters + string.digits + "_"
_SPACE: Final = " \t\n\r\f\v"
_SETS: Final = {"d": string.digits, "w": _WORD, "s": " "}
_FULL_SETS: Final = {"d": string.digits, "w": _WORD, "s": _SPACE}
_PRINTABLE: Final = "".join(chr(code) for code in range(0x20, 0x7F))
_CONTROLS: Final = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}


class _NotSimple(Exception):
    """The expression is not of the simple kind."""


def sample(pattern: str, draw: Draw) -> str | None:
    """Give a text in which the pattern occurs, or None where it is not of the simple kind."""
    if len(pattern) > LONGEST_PATTERN:
        return None
    try:
        writer = _Parser(pattern).whole()
        return writer(draw)
    except (_NotSimple, RecursionError):
        return None


class _Parser:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0

    def whole(self) -> _Writer:
        writer = self._alternatives()
        if self._at < len(self._pattern):
            raise _NotSimple
        return writer

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _next(self) -> str:
        if self._at >= len(self._pattern):
            raise _NotSimple
        self._at += 1
        return self._pattern[self._at - 1]

    def _takes(self, text: str) -> bool:
        if self._pattern.startswith(text, self._at):
            self._at += len(text)
            return True
        return False

    def _alternatives(self) -> _Writer:
        options = [self._sequence()]
        while self._takes("|"):
            options.append(self._sequence())
        return lambda draw: options[draw.below(len(options))](draw)

    def _sequence(self) -> _Writer:
        parts: list[_Writer] = []
        while self._peek() not in {"", "|", ")"}:
            if self._takes("^") or self._takes("$"):
                continue
            parts.append(self._repeated(self._atom()))
        return lambda draw: _short("".join(part(draw) for part in parts))

    def _atom(self) -> _Writer:
        char = self._next()
        if char == "(":
            return self._group()
        if char == "[":
            return _one_of(self._char_class())
        if char == ".":
            return _one_of(_PRINTABLE)
        if char == "\\":
            return _one_of(self._escaped(_SETS))
        if char in "*+?{":
            raise _NotSimple
        return lambda _: char

    def _group(self) -> _Writer:
        if self._takes("?") and not self._takes(":"):
            raise _NotSimple
        writer = self._alternatives()
        if not self._takes(")"):
            raise _NotSimple
        return writer

    def _escaped(self, sets: dict[str, str]) -> str:
        char = self._next()
        if char in sets:
            return sets[char]
        if char.lower() in sets:
            return "".join(other for other in _PRINTABLE if other not in _FULL_SETS[char.lower()])
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char.isalnum():  # \b, \A, \1, \p{…}: more than a set of characters
            raise _NotSimple
        return char

    def _char_class(self) -> str:
        is_negated = self._takes("^")
        chars = ""
        while not (chars and self._peek() == "]"):
            chars += self._class_part()
        self._next()
        if is_negated:
            chars = "".join(char for char in _PRINTABLE if char not in chars)
        if not chars:
            raise _NotSimple
        return chars

    def _class_part(self) -> str:
        char = self._next()
        first = self._escaped(_FULL_SETS) if char == "\\" else char
        if len(first) > 1 or self._peek() != "-" or self._pattern[self._at + 1 : self._at + 2] == "]":
            return first
        self._next()
        last = self._next()
        if last == "\\":
            last = self._escaped(_FULL_SETS)
        if len(last) != 1 or not ord(first) <= ord(last) <= ord(first) + LONGEST_TEXT:
            raise _NotSimple
        return "".join(map(chr, range(ord(first), ord(last) + 1)))

    def _repeated(self, writer: _Writer) -> _Writer:
        low, high = 1, 1
        if self._takes("*"):
            low, high = 0, _EXTRA_REPEATS
        elif self._takes("+"):
            low, high = 1, _EXTRA_REPEATS
        elif self._takes("?"):
            low, high = 0, 1
        elif self._takes("{"):
            low, high = self._bounds()
        else:
            return writer
        if self._peek() in {"*", "+", "{"}:
            raise _NotSimple
        self._takes("?")  # a lazy quantifier allows the same texts
        return lambda draw: _short("".join(writer(draw) for _ in range(draw.between(low, high))))

    def _bounds(self) -> tuple[int, int]:
        end = self._pattern.find("}", self._at)
        low, comma, high = self._pattern[self._at : max(end, self._at)].partition(",")
        self._at = end + 1
        if end < 0 or not low.isdecimal() or not (high.isdecimal() or not high) or len(low + high) > len("10001000"):
            raise _NotSimple
        least = int(low)
        most = int(high) if high else least + (_EXTRA_REPEATS if comma else 0)
        if not least <= most or least > LONGEST_TEXT:
            raise _NotSimple
        return least, min(most, least + _EXTRA_REPEATS)


def _one_of(chars: str) -> _Writer:
    return lambda draw: chars[draw.below(len(chars))]


def _short(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise _NotSimple
    return text
