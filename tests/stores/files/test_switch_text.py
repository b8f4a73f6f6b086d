import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.switch import EVERYTHING, KINDS, MAX_BY, MAX_WHY, Level, Switch
from seawall.stores.files.switch_text import MAX_BYTES, MAX_LINES, moment_text, read_lines, write_line, write_lines
from seawall.testing.clock import START_WALL_S

TEXTS = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=' "\\'), max_size=60)
MOMENTS = st.none() | st.integers(0, 4_000_000_000).map(float)
LEVELS = st.just(EVERYTHING) | st.builds(
    Level,
    st.sampled_from([kind for kind in KINDS if kind != "route"]),
    st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters='"', include_characters=" "), min_size=1)
    .map(str.strip)
    .filter(bool),
)


def _read(text: str) -> list[Switch]:
    return [line.switch for line in read_lines(text.encode()) if line.switch is not None]


@pytest.mark.parametrize(
    ("line", "switch"),
    [
        ("all", Switch(EVERYTHING)),
        ("  team:a  ", Switch(Level("team", "a"))),
        (
            'model:m until=2026-11-21T00:00:00Z by=ada at=2026-11-20T23:59:00+00:00 why="it \\"lies\\" \\\\ a lot"',
            Switch(Level("model", "m"), START_WALL_S, "ada", START_WALL_S - 60, 'it "lies" \\ a lot'),
        ),
        ('"feature:live chat"', Switch(Level("feature", "live chat"))),
        ("all until=2026-11-21T00:00:00", Switch(EVERYTHING, START_WALL_S)),
        ('all why=short by="two words"', Switch(EVERYTHING, by="two words", why="short")),
        ('all why=""', Switch(EVERYTHING)),
    ],
)
def test_a_line_is_read(line: str, switch: Switch) -> None:
    assert _read(line) == [switch]


@pytest.mark.parametrize(
    "line",
    [
        "teem:a",
        "ALL",
        "team:",
        "team: a",
        "route:ai",
        "team:a why=it is broken",
        'team:a why="half',
        'team:a why="x"y',
        "team:a until=tomorrow",
        "team:a until=",
        "team:a at=2026-13-01T00:00:00Z",
        "team:a who=me",
        "team:a by=a by=b",
        "by=ada team:a",
        "team:a team:b",
        "<<<<<<< HEAD",
        "tea",
        "\x00",
    ],
)
def test_a_line_that_nobody_can_read_means_all(line: str) -> None:
    switches = _read(f"team:fine\n{line}\n")

    assert [switch.level for switch in switches] == [Level("team", "fine"), EVERYTHING]
    assert "line 2: " in switches[1].trouble
    assert "means all" in switches[1].trouble


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"team:\xff", "UTF-8"),
        (b"# " + b"x" * MAX_BYTES, "larger"),
        (b"#\n" * (MAX_LINES + 1), "lines"),
    ],
    ids=["empty", "blank", "only a mark", "not UTF-8", "too long", "too many lines"],
)
def test_a_file_that_nobody_can_read_means_all(data: bytes, said: str) -> None:
    (line,) = read_lines(data)

    assert line.switch is not None
    assert line.switch.level == EVERYTHING
    assert said in line.switch.trouble


def test_comments_say_nothing() -> None:
    assert _read("# all\n\n   # team:a\n") == []


def test_windows_lines_are_read() -> None:
    assert _read("\ufeffteam:a\r\nteam:b\r\n") == [Switch(Level("team", "a")), Switch(Level("team", "b"))]


@given(st.builds(Switch, LEVELS, MOMENTS, TEXTS, MOMENTS, TEXTS))
def test_what_is_written_is_read_as_it_was(switch: Switch) -> None:
    assert _read(write_line(switch)) == [switch]


@given(st.text(), st.text())
def test_no_text_can_break_out_of_its_line(by: str, why: str) -> None:
    (switch,) = _read(write_line(Switch(Level("team", "a"), by=by, why=why)))

    assert switch.level == Level("team", "a")
    assert not switch.trouble
    assert len(switch.by) <= MAX_BY
    assert len(switch.why) <= MAX_WHY
    assert (switch.by + switch.why).isprintable()


@given(st.binary(max_size=200))
def test_any_bytes_are_understood_somehow(data: bytes) -> None:
    lines = read_lines(data)

    assert data.strip() == b"" or lines
    read_lines(write_lines(lines))


def test_a_moment_is_written_to_the_second() -> None:
    assert moment_text(START_WALL_S + 0.9) == "2026-11-21T00:00:00Z"
