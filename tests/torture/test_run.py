import re

import pytest

from torture.peers.litellm import PRICES, configuration
from torture.peers.plain import Plain
from torture.run import PAGE, PEERS, facts, options
from torture.scenario import FLAT, MODELS, exact, scenario


def test_five_runs_are_made_unless_told_otherwise() -> None:
    assert (options([]).runs, options(["--exact"]).runs, options(["--runs", "200"]).runs) == (5, 1, 200)


@pytest.mark.parametrize(
    "words",
    [
        ["--url", "http://127.0.0.1:4000"],
        ["--url", "http://127.0.0.1:4000", "--provider-port", "8090", "--runs", "2"],
        ["--url", "https://127.0.0.1:4000", "--wait"],
        ["--url", "http://127.0.0.1:4000", "--wait", "--publish"],
        ["--runs", "-1"],
        ["--callers", "0"],
        ["--peer", "somebody"],
    ],
)
def test_what_cannot_work_is_wrong_use(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        options(words)

    assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("kind", ["exact", "seeded"])
def test_the_page_has_a_place_for_every_report(peer: str, kind: str) -> None:
    text = PAGE.read_text("utf-8")

    assert text.count(f"<!-- {peer} {kind} -->\n") == text.count(f"<!-- end of {peer} {kind} -->") == 1


def test_a_report_says_what_was_run_on_what_and_when() -> None:
    said = facts(options(["--runs", "200", "--callers", "1000"]), PEERS["seawall"]())

    assert re.fullmatch(r"Seawall [\d.]+, 1,000 callers a run, seeds 0 to 199", said["What"])
    assert "cores" in said["Machine"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", said["Date"])


def test_any_gateway_is_called_at_its_address_with_its_key() -> None:
    door = Plain("http://gateway:4000/ai", "secret").door(exact(0).asks[0])

    assert (door.host, door.port, door.prefix) == ("gateway", 4000, "/ai")
    assert door.headers == {"x-api-key": "secret", "authorization": "Bearer secret"}


def test_an_address_needs_neither_port_nor_path_nor_key() -> None:
    door = Plain("http://gateway", "").door(exact(0).asks[0])

    assert (door.host, door.port, door.prefix, door.headers) == ("gateway", 80, "", {})


def test_the_other_gateway_has_the_same_caps_and_knows_every_model() -> None:
    run = scenario(0, callers=1)
    said = configuration(run, "http://127.0.0.1:1", 6379)

    assert set(PRICES) == {*MODELS, FLAT}
    assert {model["model_name"] for model in said["model_list"]} == set(PRICES)
    assert said["router_settings"]["provider_budget_config"]["openai"]["budget_limit"] == 0.7
    assert said["general_settings"]["fail_closed_budget_enforcement"] is True
