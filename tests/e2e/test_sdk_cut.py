"""What official clients make of a stream whose end nobody announced: a worker was killed, a cable pulled.

Where it can, the gateway writes an error event before it breaks a stream, which every client turns into an exception.
These are the cases in which it cannot.
"""

from typing import Final

import pytest

from tests.e2e.relay import Relay
from tests.e2e.stage import GatewayProcess, OfficialClient, SandboxProcess

MODELS: Final = {"anthropic": "claude-haiku-5-5", "openai": "gpt-5.6-luna"}


@pytest.mark.parametrize("dialect", MODELS)
@pytest.mark.parametrize("by_reset", [True, False], ids=["reset", "end"])
def test_stream_that_is_cut_raises(
    sdk: OfficialClient, gateway: GatewayProcess, sandbox: SandboxProcess, key: str, dialect: str, by_reset: bool
) -> None:
    sandbox.steer(output_tokens=400)

    with Relay(gateway.port, breaks_after=4000, by_reset=by_reset) as relay:
        told = sdk.run(f"{dialect}.stream", base_url=f"{relay.url}/ai/open", key=key, model=MODELS[dialect])

    assert told["ok"]["raised"], told["ok"]


@pytest.mark.parametrize("scenario", ["anthropic.stream", "anthropic.stream_helper", "openai.stream"])
def test_clean_end_in_the_middle_is_what_most_clients_cannot_tell(
    sdk: OfficialClient, sandbox: SandboxProcess, key: str, scenario: str
) -> None:
    sandbox.steer("no_terminal=4", output_tokens=100)
    dialect = scenario.partition(".")[0]
    base = sandbox.url if dialect == "anthropic" else f"{sandbox.url}/v1"

    told = sdk.run(scenario, base_url=base, key=key, model=MODELS[dialect])

    # The table in docs/rooms/gateway.md says so; where a client has learned to tell, it may say more.
    raised = "error" in told or bool(told["ok"].get("raised"))
    assert raised == ((sdk.name, scenario) == ("npm", "anthropic.stream_helper"))
