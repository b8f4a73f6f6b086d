import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.upstreams.decoding import FREE_OUTPUT, OUTPUT_LIMIT, PIECE, Inflater, UndecodableError


def _raw_deflate(data: bytes) -> bytes:
    squeeze = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return squeeze.compress(data) + squeeze.flush()


def _inflate(coding: bytes, pieces: list[bytes]) -> tuple[bytes, bool]:
    inflater = Inflater(coding)
    out = b""
    for piece in pieces:
        inflater.feed(piece)
        while data := inflater.take():
            assert len(data) <= PIECE
            out += data
    return out, inflater.is_complete


CODERS: dict[str, tuple[bytes, Callable[[bytes], bytes]]] = {
    "gzip": (b"gzip", gzip.compress),
    "two members": (b"x-gzip", lambda data: gzip.compress(data[:7]) + gzip.compress(data[7:])),
    "zlib": (b"deflate", zlib.compress),
    "raw deflate": (b"Deflate", _raw_deflate),
}


@pytest.mark.parametrize("coder", CODERS)
@given(data=st.binary(min_size=1, max_size=3000), step=st.integers(1, 200), times=st.sampled_from([1, 200]))
def test_every_way_of_cutting_decodes_the_same(coder: str, data: bytes, step: int, times: int) -> None:
    coding, encode = CODERS[coder]
    coded = encode(data * times)

    pieces = [coded[start : start + step] for start in range(0, len(coded), step)]

    assert _inflate(coding, pieces) == (data * times, True)


@pytest.mark.parametrize("coder", CODERS)
def test_end_that_is_missing_shows(coder: str) -> None:
    coding, encode = CODERS[coder]
    coded = encode(b"some text, long enough to have a middle")

    for length in range(1, len(coded)):
        read, is_complete = _inflate(coding, [coded[:length]])
        # Only between two members of a gzip file is a cut no cut.
        assert not is_complete or (coder == "two members" and read == b"some te")


def test_nothing_at_all_is_an_empty_body() -> None:
    assert Inflater(b"gzip").is_complete


@pytest.mark.parametrize("coding", [b"br", b"zstd", b"gzip, gzip", b"compress"])
def test_other_codings_are_refused_by_name(coding: bytes) -> None:
    with pytest.raises(UndecodableError, match=coding.decode()):
        Inflater(coding)


def test_a_long_coding_is_not_repeated() -> None:
    with pytest.raises(UndecodableError, match="odd content-encoding") as caught:
        Inflater(b"a-credential-in-the-wrong-place")

    assert "credential" not in str(caught.value)


@pytest.mark.parametrize("coder", CODERS)
def test_bomb_is_refused_with_bounded_output(coder: str) -> None:
    coding, encode = CODERS[coder]
    inflater = Inflater(coding)
    inflater.feed(encode(b"!" * 7 + bytes(OUTPUT_LIMIT + PIECE))[:60_000])
    sizes: list[int] = []

    with pytest.raises(UndecodableError, match="refused"):
        sizes.extend(len(data) for data in iter(inflater.take, b""))

    assert sum(sizes) <= FREE_OUTPUT + 200 * 60_000 + PIECE


@given(junk=st.binary(min_size=20, max_size=200))
def test_junk_is_an_error_or_incomplete(junk: bytes) -> None:
    inflater = Inflater(b"gzip")
    inflater.feed(junk)

    try:
        while inflater.take():
            pass
    except UndecodableError:
        return
    assert not inflater.is_complete


def test_bytes_behind_a_deflate_stream_are_refused() -> None:
    with pytest.raises(UndecodableError, match="after the end"):
        _inflate(b"deflate", [zlib.compress(b"x") + b"y"])
