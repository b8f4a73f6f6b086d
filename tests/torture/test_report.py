from pathlib import Path

import pytest

from torture.judge import Line
from torture.outcome import Outcome
from torture.report import markdown, publish, summary, told
from torture.scenario import USD, exact, scenario


def _outcome(seed: int = 0, over_nusd: int = 0, *, is_exact: bool = False, complaints: tuple[str, ...] = ()) -> Outcome:
    run = exact(seed, callers=1) if is_exact else scenario(seed, callers=1)
    lines = [Line("all", USD // 2, USD), Line("user:t0/u1", USD // 10 + over_nusd, USD // 10)]
    return Outcome(run, lines, list(complaints), {"200": 3, "402": 1, "left": 1}, 2 * USD, 1.5)


def test_a_run_is_told_with_its_meter_against_every_cap() -> None:
    text = "\n".join(told(_outcome(is_exact=True)))

    assert text.splitlines()[0] == "seed 0 (exact; nothing befell it; a provider without fault), 1.5 s"
    assert "  calls: 3 of 200, 1 of 402, 1 of left" in text
    assert "  all                  billed $0.500000000 of $1.00   50.00%" in text
    assert "  user:t0/u1           billed $0.100000000 of $0.10  100.00%" in text


def test_what_is_wrong_is_told_last() -> None:
    assert list(told(_outcome(complaints=("the ledger has 3",))))[-1] == "  WRONG: the ledger has 3"


def test_the_summary_names_the_most_that_a_cap_was_exceeded_by() -> None:
    assert summary([_outcome(), _outcome(over_nusd=7), _outcome(over_nusd=5)]) == (
        "1 of 3 runs kept every cap; the most that any cap was exceeded by: $0.000000007"
    )


def test_the_summary_tells_wrong_books_from_caps_that_did_not_hold() -> None:
    assert summary([_outcome(complaints=("the ledger has 3",))]).endswith("$0.000000000; 1 had something wrong")


def test_the_tables_count_runs_calls_and_what_is_unsettled() -> None:
    text = markdown([_outcome(is_exact=True), _outcome(is_exact=True)], {"What": "Seawall 1"})

    assert "- What: Seawall 1." in text
    assert "| all | 2 | 2 | $0.000000000 | 50.00% | $2.0000 |" in text
    assert "| 200 | 6 | 60.0% |" in text
    assert "| the caller hung up, as it was to | 2 | 20.0% |" in text


def test_a_run_that_broke_a_cap_is_listed_with_the_account() -> None:
    text = markdown([_outcome(over_nusd=9, is_exact=True)], {})

    assert "| 0 | nothing befell it | 50.00% | $0.000000009 | user:t0/u1, of $0.10 |" in text


def test_many_runs_are_not_listed_one_by_one() -> None:
    assert "| seed |" not in markdown([_outcome(seed) for seed in range(30)], {})


def test_a_report_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- seawall exact -->\nold\n<!-- end of seawall exact -->\nafter\n")

    publish("new\n", "seawall exact", page)

    assert page.read_text() == "before\n<!-- seawall exact -->\nnew\n<!-- end of seawall exact -->\nafter\n"


def test_a_page_without_a_place_for_the_report_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing\n")

    with pytest.raises(ValueError, match="<!-- seawall exact -->"):
        publish("new\n", "seawall exact", page)

    assert page.read_text() == "nothing\n"
