import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.assembly.entry import presented_key
from seawall.core.error import BadRequest, NotAllowed, NotAuthenticated, NotFound, SeawallError, Unavailable
from seawall.core.key import KeyGrant
from seawall.core.principal import Principal
from seawall.dialects.dialect import CHAT, COUNT_TOKENS, MESSAGES, MODELS, UNKNOWN
from seawall.pipeline.exchange import Headers
from seawall.stores.memory.keys import MemoryKeys
from seawall.testing.clock import START_WALL_S
from seawall.testing.scripted_upstream import Script, ScriptedUpstream
from seawall.testing.virtual_loop import run_virtual
from tests.assembly.conftest import GUEST, Home, enter, plan, policy
from tests.pipeline.conftest import frames_of
from tests.scene import ANSWER, Call, Ended, target, whole

TWO = policy(plan("/ai/chat", target()), plan("/ai/open"))
ONE = policy(plan("/ai/chat", target()))
ASK = {"model": "claude-opus-5-5"}


def _key(keys: MemoryKeys, grant: KeyGrant) -> dict[bytes, bytes]:
    return {b"authorization": b"Bearer " + keys.create(grant, START_WALL_S).key.reveal().encode()}


def _call(route: str = "", headers: Headers | None = None) -> Call:
    return Call(MESSAGES, ASK, headers or {}, route=route)


async def test_a_key_leads_to_its_route_and_into_the_record() -> None:
    keys, home = MemoryKeys(), Home(ScriptedUpstream(whole(ANSWER["anthropic"])))
    headers = _key(keys, KeyGrant(team="support"))

    ended = await enter(home.entry(TWO, keys), _call("/ai/chat", headers))

    assert ended.error is None
    (record,) = home.records.all
    assert (record.route, record.team, record.policy_version, record.outcome) == ("/ai/chat", "support", "v1", "ok")
    assert record.model == "model-of-the-route"


@pytest.mark.parametrize(
    ("path", "header", "default", "found"),
    [
        pytest.param("/ai/open", b"/ai/chat", "/ai/chat", "/ai/open", id="the path goes first"),
        pytest.param("", b"/ai/open", "/ai/chat", "/ai/open", id="then the header"),
        pytest.param("", None, "/ai/chat", "/ai/chat", id="then the key's default"),
    ],
)
async def test_a_route_is_named_by_path_header_or_key(
    path: str, header: bytes | None, default: str, found: str
) -> None:
    keys, home = MemoryKeys(), Home(ScriptedUpstream(whole(ANSWER["anthropic"])))
    headers = _key(keys, KeyGrant(default_route=default))
    if header is not None:
        headers[b"x-seawall-route"] = header

    ended = await enter(home.entry(TWO, keys), _call(path, headers))

    assert ended.error is None
    assert ended.exchange.route == found


async def test_the_only_route_needs_no_name() -> None:
    keys, home = MemoryKeys(), Home(ScriptedUpstream(whole(ANSWER["anthropic"])))

    ended = await enter(home.entry(ONE, keys), _call("", _key(keys, KeyGrant())))

    assert ended.exchange.route == "/ai/chat"
    assert ended.error is None


async def test_among_several_routes_one_has_to_be_named() -> None:
    keys = MemoryKeys()

    ended = await enter(Home().entry(TWO, keys), _call("", _key(keys, KeyGrant())))

    assert isinstance(ended.error, BadRequest)
    assert ended.error.code == "route.unnamed"


async def test_without_keys_everybody_is_the_guest() -> None:
    home = Home(ScriptedUpstream(whole(ANSWER["anthropic"])))

    ended = await enter(home.entry(ONE), _call("", {b"authorization": b"Bearer whatever"}))

    assert ended.exchange.principal is GUEST
    assert home.records.all[0].key_id == "guest"


def _wordings(keys: MemoryKeys, headers: Headers) -> set[tuple[str, int, str]]:
    """Ask for known and unknown routes and paths; give what the answers look like."""
    asked = [
        _call("/ai/chat", headers),
        _call("/ai/open", headers),
        _call("", {**headers, b"x-seawall-route": b"/ai/chat"}),
        _call("", {**headers, b"x-seawall-route": b"/ai/secret-project"}),
        _call("", {**headers, b"x-seawall-route": b"\xff\x00"}),
        _call("", headers),
        Call(UNKNOWN, headers=headers, route=""),
        Call(MODELS, headers=headers, route="/ai/chat"),
        Call(CHAT, b"not even JSON", headers, route="/ai/chat"),
    ]

    async def ask() -> list[Ended]:
        entry = Home().entry(TWO, keys)
        return [await enter(entry, call) for call in asked]

    errors = [ended.error for ended in run_virtual(ask())]
    assert all(isinstance(error, SeawallError) for error in errors)
    return {(str(error), error.status, error.code) for error in errors if isinstance(error, SeawallError)}


def test_who_has_no_good_key_gets_one_answer_to_everything() -> None:
    keys = MemoryKeys()
    revoked = keys.create(KeyGrant(), START_WALL_S)
    keys.revoke(revoked.entry.id, START_WALL_S)
    strangers: list[dict[bytes, bytes]] = [
        {},
        {b"authorization": b"Bearer sw_unknown"},
        {b"authorization": b"Basic abc"},
        {b"x-api-key": b"x" * 9999},
        {b"x-api-key": revoked.key.reveal().encode()},
        _key(keys, KeyGrant(expires_at_s=START_WALL_S)),
        _key(keys, KeyGrant(expires_at_s=START_WALL_S, routes=("/ai/chat",), default_route="/ai/chat")),
    ]

    answers = set().union(*(_wordings(keys, headers) for headers in strangers))

    assert len(answers) == 1
    ((_, status, code),) = answers
    assert (status, code) == (401, "access.unauthenticated")


@pytest.mark.parametrize("route", ["/ai/open", "/ai/secret-project"], ids=["known", "unknown"])
async def test_a_key_for_other_routes_does_not_learn_which_there_are(route: str) -> None:
    keys = MemoryKeys()
    headers = {**_key(keys, KeyGrant(routes=("/ai/chat",))), b"x-seawall-route": route.encode()}

    ended = await enter(Home().entry(TWO, keys), _call("", headers))

    assert isinstance(ended.error, NotAllowed)
    assert str(ended.error) == f"this key is not allowed on route '{route}'"


async def test_a_good_key_is_told_of_what_is_not_there() -> None:
    keys = MemoryKeys()
    headers = _key(keys, KeyGrant())
    entry = Home().entry(TWO, keys)

    path = await enter(entry, Call(UNKNOWN, headers=headers, route=""))
    route = await enter(entry, _call("", {**headers, b"x-seawall-route": b"/ai/nope"}))
    long = await enter(entry, _call("", {**headers, b"x-seawall-route": b"/ai/nope" + b"x" * 5000}))

    assert isinstance(path.error, NotFound)
    assert "/v1/messages" in str(path.error)
    assert isinstance(route.error, NotFound)
    assert route.error.code == "route.unknown"
    assert "/ai/nope" in str(route.error)
    assert isinstance(long.error, NotFound)
    assert "5008 characters" in str(long.error)
    assert "/ai/nope" not in str(long.error)


async def test_a_default_route_that_is_gone_is_not_found() -> None:
    keys = MemoryKeys()
    headers = _key(keys, KeyGrant(default_route="/ai/gone"))

    assert isinstance((await enter(Home().entry(TWO, keys), _call("", headers))).error, NotFound)


async def test_a_body_is_not_read_before_the_caller_is_known() -> None:
    keys = MemoryKeys()

    ended = await enter(Home().entry(TWO, keys), Call(MESSAGES, b"x" * (2 << 20), route="/ai/chat"))

    assert isinstance(ended.error, NotAuthenticated)
    assert ended.exchange.body is None


async def test_refusals_at_the_door_are_recorded_too() -> None:
    home = Home()
    entry = home.entry(TWO, MemoryKeys())

    await enter(entry, Call(UNKNOWN, route=""))
    await enter(entry, _call("", {b"x-seawall-route": b"/ai/secret-project"}))

    assert [(record.status, record.route) for record in home.records.all] == [(401, ""), (401, "")]
    assert "secret-project" not in repr(home.records.all)


async def test_a_key_store_that_cannot_be_read_is_unavailable() -> None:
    class Blind:
        def find(self, presented: bytes) -> Principal | None:
            raise Unavailable(f"{len(presented)} bytes cannot be looked up")

    home = Home()
    ended = await enter(home.entry(ONE, Blind()), _call("/ai/chat", {b"x-api-key": b"k"}))

    assert isinstance(ended.error, Unavailable)
    assert home.records.all[0].outcome == "failed"


async def test_streams_go_through_the_same_door() -> None:
    frames = frames_of("anthropic/text.sse")
    home = Home(ScriptedUpstream(Script(frames)))

    ended = await enter(home.entry(ONE), Call(MESSAGES, {"stream": True}, route=""))

    assert b"".join(ended.written) == b"".join(frames)
    assert home.records.all[0].attempts[0].output_tokens == 15


async def test_counting_is_free() -> None:
    home = Home(ScriptedUpstream(whole({"input_tokens": 7})))

    await enter(home.entry(ONE), Call(COUNT_TOKENS, ASK, route=""))

    assert home.records.all[0].cost_nusd == 0


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        pytest.param({}, b"", id="nothing"),
        pytest.param({b"authorization": b"Bearer k"}, b"k", id="bearer"),
        pytest.param({b"authorization": b"bearer k"}, b"k", id="in any case"),
        pytest.param({b"authorization": b"Bearer  k "}, b"k", id="with spaces"),
        pytest.param({b"authorization": b"Basic k"}, b"", id="another scheme"),
        pytest.param({b"authorization": b"k"}, b"", id="no scheme"),
        pytest.param({b"authorization": b"Bearer"}, b"", id="no key"),
        pytest.param({b"x-api-key": b"k"}, b"k", id="the other header"),
        pytest.param({b"x-api-key": b"a", b"authorization": b"Bearer b"}, b"a", id="both"),
        pytest.param({b"x-api-key": b"", b"authorization": b"Bearer b"}, b"b", id="an empty one says nothing"),
        pytest.param({b"x-api-key": b"k" * 513}, b"", id="too long"),
        pytest.param({b"x-api-key": b"k" * 512}, b"k" * 512, id="just not too long"),
    ],
)
def test_a_key_is_presented_in_either_header(headers: Headers, key: bytes) -> None:
    assert presented_key(headers) == key


@given(st.dictionaries(st.sampled_from([b"x-api-key", b"authorization"]), st.binary(max_size=600)))
def test_any_header_presents_a_bounded_key_or_none(headers: Headers) -> None:
    assert len(presented_key(headers)) <= 512
