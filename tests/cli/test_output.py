import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.cli.output import clean, print_json, print_table

CELLS = st.text(st.characters(codec="utf-8"), max_size=20)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain text", "plain text", id="plain"),
        pytest.param("\x1b[31mred\x1b[0m", "�[31mred�[0m", id="colours"),
        pytest.param("good\rbad", "good�bad", id="a carriage return would overwrite"),
        pytest.param("title\x1b]0;x\x07", "title�]0;x�", id="a window title"),
        pytest.param("\x9b2J", "�2J", id="the 8-bit form of an escape"),
        pytest.param("a\u2028b", "a�b", id="a line separator"),
        pytest.param("naïve 日本", "naïve 日本", id="letters of any script"),
        pytest.param("two\n\tlines", "two\n\tlines", id="lines and tabs are harmless"),
    ],
)
def test_what_a_terminal_would_obey_becomes_visible(text: str, shown: str) -> None:
    assert clean(text) == shown


@given(text=st.text())
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)


def test_columns_are_aligned_under_their_headings(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["route", "cost"], [["/ai/chat", "1.5"], ["/ai", "20"]], right=["cost"])

    assert capsys.readouterr().out == "route     cost\n/ai/chat   1.5\n/ai         20\n"


def test_no_line_ends_in_spaces(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["a", "b"], [["long cell", ""]])

    assert capsys.readouterr().out == "a          b\nlong cell\n"


def test_a_table_without_rows_is_its_headings(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["id", "cost"], [])

    assert capsys.readouterr().out == "id  cost\n"


def test_a_row_of_another_length_is_a_fault() -> None:
    with pytest.raises((IndexError, ValueError)):
        print_table(["a", "b"], [["only one"]])


@given(rows=st.lists(st.tuples(CELLS, CELLS), max_size=5))
def test_no_cell_can_break_its_line_out_of_the_table(rows: list[tuple[str, str]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        lines: list[str] = []
        patch.setattr("click.echo", lines.append)
        print_table(["a", "b"], rows)

    assert len(lines) == len(rows) + 1
    assert all("\x1b" not in line and len(line.splitlines()) <= 1 for line in lines)


@given(value=st.dictionaries(st.text(), st.text() | st.integers(-(2**53), 2**53)))
def test_json_is_one_object_on_one_line(value: dict[str, str | int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        lines: list[str] = []
        patch.setattr("click.echo", lines.append)
        print_json(value)

    (line,) = lines
    assert "\n" not in line
    assert orjson.loads(line) == value
