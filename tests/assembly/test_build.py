from dataclasses import replace

import orjson
import pytest

from seawall.assembly.build import build_routes
from seawall.assembly.order import ORDER
from seawall.core.error import BadRequest, BodyTooLarge, DeadlineExceeded, NotAllowed
from seawall.core.principal import Principal
from seawall.core.target import Timeouts
from seawall.dialects.dialect import CHAT, MESSAGES, MODELS
from seawall.guards.sampling.settings import SamplingSettings
from seawall.guards.tokens.settings import TokenSettings
from seawall.testing.scripted_upstream import Pause, Script, ScriptedUpstream
from seawall.testing.virtual_loop import run_virtual
from tests.assembly.conftest import Home, enter, plan, policy
from tests.scene import ANSWER, Call, Ended, provider, target, whole


def _go(home: Home, call: Call, **settings: object) -> Ended:
    entry = home.entry(policy(plan("/ai/chat", target(), **settings)))
    return run_virtual(enter(entry, call))


def test_every_route_has_its_pipeline() -> None:
    built = build_routes(policy(plan("/a"), plan("/b", target())), Home().house)

    assert set(built) == {"/a", "/b"}


def test_the_journal_is_outermost_and_the_meter_innermost() -> None:
    assert ORDER[0] == "journal"
    assert ORDER[-1] == "meter"
    assert ORDER.index("access") < ORDER.index("intake"), "nobody's body is read before they may call"
    assert ORDER.index("route") < ORDER.index("tokens"), "the ceiling depends on the target"


def test_what_a_plan_says_reaches_the_provider() -> None:
    home = Home(ScriptedUpstream(whole(ANSWER["anthropic"])))
    ended = _go(
        home, Call(MESSAGES, {"model": "x"}), tokens=TokenSettings(77), sampling=SamplingSettings(temperature=0.5)
    )

    (request,) = home.upstream.requests
    assert orjson.loads(request.body) == {"model": "model-of-the-route", "max_tokens": 77, "temperature": 0.5}
    assert ended.exchange.notes == ["tokens.filled", "sampling.set"]
    assert ended.exchange.traffic_class == "interactive"


def test_the_policys_body_limit_holds() -> None:
    entry = Home().entry(policy(plan("/ai/chat"), body_limit=100))

    assert isinstance(run_virtual(enter(entry, Call(MESSAGES, {"model": "x" * 200}))).error, BodyTooLarge)


def test_the_plans_deadline_holds() -> None:
    home = Home(ScriptedUpstream(Script((Pause(100.0),))))

    assert isinstance(_go(home, Call(MESSAGES, {}), timeouts=Timeouts(2.0, 1.0, 1.0, 1.0)).error, DeadlineExceeded)


def test_the_plans_streaming_holds() -> None:
    error = _go(Home(), Call(MESSAGES, {"stream": True}), streaming=False).error

    assert isinstance(error, BadRequest)
    assert error.code == "route.stream"


def test_a_key_is_held_to_its_routes() -> None:
    class Restricted:
        def find(self, presented: bytes) -> Principal:
            return Principal(presented.decode(), routes=("/ai/other",))

    entry = Home().entry(policy(plan("/ai/chat", target())), Restricted())

    assert isinstance(run_virtual(enter(entry, Call(MESSAGES, {}, {b"x-api-key": b"k"}))).error, NotAllowed)


@pytest.mark.parametrize(
    ("call", "dialect"),
    [
        pytest.param(Call(CHAT, {"model": "gpt-5.4"}), "openai", id="chat"),
        pytest.param(Call(MESSAGES, {"model": "claude-opus-5-5"}), "anthropic", id="messages"),
        pytest.param(Call(MODELS), "anthropic", id="models"),
    ],
)
def test_an_open_route_serves_every_dialect_that_has_a_provider(call: Call, dialect: str) -> None:
    home = Home(ScriptedUpstream(whole(ANSWER[dialect])))

    ended = run_virtual(enter(home.entry(policy(plan("/ai/chat"))), call))

    assert ended.error is None
    assert ended.exchange.target is not None
    assert ended.exchange.target.provider == provider(dialect)


def test_the_first_provider_of_a_dialect_lists_its_models() -> None:
    providers = {name: provider("anthropic", name) for name in ("first", "second")}
    home = Home(ScriptedUpstream(whole({"data": []})))
    compiled = replace(policy(plan("/ai/chat", target("openai"))), providers=providers)

    ended = run_virtual(enter(home.entry(compiled), Call(MODELS)))

    assert ended.exchange.target is not None
    assert ended.exchange.target.provider.name == "first"
