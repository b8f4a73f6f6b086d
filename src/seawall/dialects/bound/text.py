"""The most tokens that a text or a JSON value can be.

Every token of a byte-level tokenizer has at least one byte, so that no text has more tokens than bytes of UTF-8. A
tokenizer may bring the text into Unicode's form NFKC first, in which one character can become eighteen; nobody outside
knows which do, so the longer of the two counts.
"""

import re
from typing import Any, Final
from unicodedata import combining, is_normalized, normalize

import orjson

# Normalising takes time by the square of a run of combining marks (Python 3.11 to 3.14), so it is done in short parts.
_PART: Final = 128
# What a mark at the start of a part can add to the letter before it, which it takes apart: at most four marks of two
# bytes, put together with one letter of up to three.
_CUT_MARK: Final = 8
# A hostile text takes 0.7 us a character. Beyond this many a text is not brought into its normal form but counts
# as if every byte became eleven, as those of U+FDFA do, which is the most.
_NORMALISED: Final = 131_072
_MOST_GROWN: Final = 11
_FIRST_MARK: Final = "\u0300"
_NUMBER: Final = 26  # characters of the longest number that JSON carries here
_BITS_PER_DIGIT: Final = 3  # at least
_ESCAPE: Final = 6  # characters of \u00e9; what lies beyond the first plane becomes two of them
# What is read here as 1e+30 may have been sent as thirty-one digits, and others keep every one of them. Such a number
# in a text counts, too: to look for texts would take longer than the few tokens are worth.
_POWER: Final = re.compile(rb"e[+-](?<=[0-9]e.)([0-9]{1,3})")


def text_bound(text: str) -> int:
    """Give the most tokens of a text: its bytes, or those of its normal form where that is longer."""
    return len(text) if text.isascii() else _wide(text)


def _wide(text: str) -> int:
    size = len(text.encode(errors="surrogatepass"))
    if is_normalized("NFKC", text):
        return size
    normal = 0
    for start in range(0, min(len(text), _NORMALISED), _PART):
        part = text[start : start + _PART]
        if part.isascii():
            normal += len(part)
            continue
        normal += len(normalize("NFKC", part).encode(errors="surrogatepass"))
        if part[0] >= _FIRST_MARK and combining(normalize("NFKD", part[0])[0]):
            normal += _CUT_MARK
    rest = text[_NORMALISED:]
    return max(size, normal + _MOST_GROWN * len(rest.encode(errors="surrogatepass")))


def json_bound(value: Any) -> int:  # a JSON value, of whatever shape
    """Give the most tokens of a value that a provider writes into the prompt as JSON.

    It may put a space after each sign, escape what is not ASCII, and write out numbers that are short here.
    """
    try:
        data = orjson.dumps(value)
    except TypeError:  # nested too deeply, or no JSON: no provider takes it, but counting it must not fail
        return _odd(value)
    size = len(data) if data.isascii() else _escaped(data.decode())
    if powers := _POWER.findall(data):
        size += sum(map(int, powers))
    return size + data.count(b",") + data.count(b":") + (_ESCAPE - 1) * data.count(b"\x7f")


def _escaped(text: str) -> int:
    plain, units = len(text.encode("ascii", "ignore")), len(text.encode("utf-16-le")) // 2
    return max(_wide(text), plain + _ESCAPE * (units - plain))


def _odd(value: Any) -> int:  # whatever there is
    size = 0
    pile = [value]
    while pile:
        found = pile.pop()
        size += 4
        if isinstance(found, dict):
            pile.extend(found)
            pile.extend(found.values())
        elif isinstance(found, (list, tuple)):
            pile.extend(found)
        elif isinstance(found, str):
            size += 6 * text_bound(found)  # control characters become six
        elif isinstance(found, int):
            size += found.bit_length() // _BITS_PER_DIGIT + 1
        else:
            size += _NUMBER
    return size
