from torture.judge import Report, complaints, judge
from torture.scenario import FLAT, USD, exact, scenario


def _meter(model: str, billed_nusd: int, caller: str = "t0/u1") -> Report:
    account = {"billed_nusd": billed_nusd}
    return {"total": account, "by_model": {model: account}, "by_caller": {caller: account}}


def test_one_nano_dollar_over_a_cap_is_found_and_named() -> None:
    run = exact(0)

    assert complaints(run, judge(run, _meter(FLAT, USD + 1))) == ["all: billed 1000000001, cap 1000000000"]


def test_a_cap_that_is_used_to_the_last_nano_dollar_is_kept() -> None:
    run = exact(0)

    assert complaints(run, judge(run, _meter(FLAT, USD))) == []


def test_a_missing_cent_is_found_where_exactly_the_cap_is_to_be_spent() -> None:
    run = exact(0)

    assert complaints(run, judge(run, _meter(FLAT, USD * 99 // 100))) == [
        "all: billed 990000000, expected exactly 1000000000"
    ]


def test_a_missing_cent_is_no_fault_where_things_go_wrong() -> None:
    run = scenario(0)

    assert complaints(run, judge(run, _meter("gpt-5.4", 1, caller="t2/u0"))) == []


def test_a_gateway_that_lets_nothing_through_proves_nothing() -> None:
    run = scenario(0)

    assert complaints(run, judge(run, _meter(FLAT, 0))) == ["all: billed nothing, so that no cap was tried"]


def test_every_account_is_compared_with_its_own_cap() -> None:
    run = scenario(0)

    over = [line.account for line in judge(run, _meter("gpt-5.4", USD * 7 // 10 + 1)) if line.is_over]

    assert over == ["provider:openai", "team:t0", "user:t0/u1"]


def test_models_are_counted_for_their_maker() -> None:
    run = scenario(0)
    account = {"billed_nusd": 5}
    meter = {
        "total": {"billed_nusd": 15},
        "by_model": {FLAT: account, "claude-haiku-4-5": account, "gpt-4o-mini": account},
        "by_caller": {},
    }

    billed = {line.account: line.billed_nusd for line in judge(run, meter)}

    assert (billed["provider:anthropic"], billed["provider:openai"]) == (10, 5)


def test_a_team_is_not_taken_for_one_whose_name_begins_with_its_own() -> None:
    billed = {line.account: line.billed_nusd for line in judge(scenario(0), _meter(FLAT, 5, caller="t10/u1"))}

    assert (billed["team:t0"], billed["team:t1"]) == (0, 0)


def test_only_the_kinds_of_accounts_that_a_gateway_caps_are_judged() -> None:
    lines = judge(scenario(0), _meter(FLAT, USD * 2), {"all", "user"})

    assert [line.account for line in lines] == ["all", "user:t0/u1"]
