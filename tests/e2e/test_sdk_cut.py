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
