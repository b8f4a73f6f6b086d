import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall import __version__
from seawall.core.error import BadRequest
from seawall.core.secret import Secret
from seawall.core.target import Origin, Provider, Target
from seawall.upstreams.provider_head import FORWARDED, VALUE_LIMIT, ProviderHeads, fixed_head


def _target(dialect: str = "anthropic", key: str | None = "sk-key") -> Target:
    secret = None if key is None else Secret(key)
    return Target(Provider("p", dialect, Origin("https", "api.test", 443), "/v1", secret), "m", None)


def _fields(head: bytes) -> dict[bytes, bytes]:
    assert head.endswith(b"\r\n")
    lines = head.removesuffix(b"\r\n").split(b"\r\n")
    fields = dict(line.split(b": ", 1) for line in lines)
    assert len(fields) == len(lines)
    return fields


ALWAYS = {
    b"content-type": b"application/json",
    b"accept-encoding": b"identity",
    b"user-agent": f"seawall/{__version__}".encode(),
}


def test_anthropic_provider_gets_its_key_and_a_version() -> None:
    assert _fields(ProviderHeads()(_target(), {})) == {
        **ALWAYS,
        b"x-api-key": b"sk-key",
        b"anthropic-version": b"2023-06-01",
    }


def test_openai_provider_gets_a_bearer_token() -> None:
    assert _fields(ProviderHeads()(_target("openai"), {})) == {**ALWAYS, b"authorization": b"Bearer sk-key"}


def test_provider_without_a_key_gets_none() -> None:
    assert _fields(ProviderHeads()(_target("openai", None), {})) == ALWAYS


def test_clients_version_is_kept() -> None:
    assert _fields(ProviderHeads()(_target(), {b"anthropic-version": b"2026-10-21"}))[b"anthropic-version"] == (
        b"2026-10-21"
    )


@pytest.mark.parametrize("dialect", ["anthropic", "openai"])
def test_empty_fields_stay_here(dialect: str) -> None:
    heads = ProviderHeads()

    assert heads(_target(dialect), dict.fromkeys(FORWARDED[dialect], b"")) == heads(_target(dialect), {})


@pytest.mark.parametrize(("dialect", "other"), [("anthropic", "openai"), ("openai", "anthropic")])
def test_only_the_dialects_own_fields_travel_on(dialect: str, other: str) -> None:
    sent = dict.fromkeys((*FORWARDED[dialect], *FORWARDED[other]), b"x")

    got = _fields(ProviderHeads()(_target(dialect), sent))

    assert {name for name, value in got.items() if value == b"x"} == set(FORWARDED[dialect])


@given(
    headers=st.dictionaries(
        st.text("abcdefghijklmnopqrstuvwxyz-_", min_size=1).map(str.encode), st.binary(max_size=20), max_size=8
    )
)
def test_no_other_field_leaves(headers: dict[bytes, bytes]) -> None:
    headers |= {b"authorization": b"Bearer sw_client", b"cookie": b"a=b", b"x-stainless-os": b"Linux"}

    got = _fields(ProviderHeads()(_target(), {k: v for k, v in headers.items() if k not in FORWARDED["anthropic"]}))

    assert set(got) == {*ALWAYS, b"x-api-key", b"anthropic-version"}
    assert b"sw_client" not in got.values()


@pytest.mark.parametrize(
    "value",
    [b"a\r\nx-admin: 1", b"a\nb", b"a\rb", b"a\0b", b"\x7f", b"caf\xc3\xa9", b"x" * (VALUE_LIMIT + 1)],
)
def test_unfit_value_of_a_forwarded_field_is_refused(value: bytes) -> None:
    with pytest.raises(BadRequest, match="header anthropic-beta") as caught:
        ProviderHeads()(_target(), {b"anthropic-beta": value})

    assert caught.value.param == "anthropic-beta"
    assert "admin" not in str(caught.value)


@given(value=st.binary(min_size=1, max_size=50))
def test_no_value_breaks_out_of_its_field(value: bytes) -> None:
    try:
        head = ProviderHeads()(_target(), {b"accept": value})
    except BadRequest:
        return

    assert _fields(head)[b"accept"] == value


def test_shared_cases_of_hostile_headers_never_leave(shared_data: Path) -> None:
    heads = ProviderHeads()
    for line in (shared_data / "security" / "header_cases.jsonl").read_text("utf-8").splitlines():
        block: str = json.loads(line)["raw_header_block"]
        name, _, value = block.partition(":")

        for dialect in FORWARDED:
            got = _fields(heads(_target(dialect), {name.strip().lower().encode(): value.strip().encode()}))

            assert set(got) <= {*ALWAYS, b"x-api-key", b"authorization", b"anthropic-version"}
            assert got.get(b"authorization", b"Bearer sk-key") == b"Bearer sk-key"


def test_reloaded_policys_new_key_is_used_at_once() -> None:
    heads = ProviderHeads()
    old, new = _target(key="sk-old"), _target(key="sk-new")

    used = [_fields(heads(target, {}))[b"x-api-key"] for target in (old, new, old, new)]

    assert used == [b"sk-old", b"sk-new"] * 2


def test_unknown_dialect_is_told() -> None:
    with pytest.raises(ValueError, match="'gopher', expected"):
        fixed_head(_target("gopher").provider)
