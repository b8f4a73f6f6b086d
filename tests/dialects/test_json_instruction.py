import pytest

from seawall.dialects.json_instruction import JSON_INSTRUCTION, says_json


@pytest.mark.parametrize(
    ("texts", "expected"),
    [((), False), (("", "words"), False), (("words", "as Json, please"), True), ((JSON_INSTRUCTION,), True)],
)
def test_the_word_is_found_however_it_is_written(texts: tuple[str, ...], expected: bool) -> None:
    assert says_json(texts) is expected
