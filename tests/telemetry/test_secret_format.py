import random
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.key import key_text
from seawall.telemetry.secret_format import looks_like_secret, mask_secrets

WORD = string.ascii_letters + string.digits
DASHED = WORD + "_-"

# Prefix, alphabet, length of what follows; values are drawn when a test runs, so that none is stored.
FORMATS = [
    pytest.param("sk-ant-api03-", DASHED, 95, id="anthropic"),
    pytest.param("sk-ant-admin01-", DASHED, 95, id="anthropic admin"),
    pytest.param("sk-", WORD, 48, id="openai legacy"),
    pytest.param("sk-proj-", DASHED, 120, id="openai project"),
    pytest.param("AKIA", string.ascii_uppercase + "234567", 16, id="aws key id"),
    pytest.param("ASIA", string.ascii_uppercase + "234567", 16, id="aws temporary key id"),
    pytest.param("ghp_", WORD, 36, id="github"),
    pytest.param("github_pat_", WORD + "_", 82, id="github fine-grained"),
    pytest.param("glpat-", DASHED, 20, id="gitlab"),
    pytest.param("xoxb-", WORD + "-", 50, id="slack"),
    pytest.param("AIza", DASHED, 35, id="google"),
    pytest.param("sk_live_", WORD, 24, id="stripe"),
    pytest.param("npm_", WORD, 36, id="npm"),
    pytest.param("pypi-AgEIcHlwaS5vcmc", DASHED, 70, id="pypi"),
    pytest.param("hf_", string.ascii_letters, 34, id="hugging face"),
    pytest.param("SG.", DASHED + ".", 66, id="sendgrid"),
    pytest.param("hvs.", DASHED, 90, id="vault"),
]


@pytest.mark.parametrize(("prefix", "alphabet", "length"), FORMATS)
@given(seed=st.integers(0, 2**32))
def test_a_credential_of_a_known_form_is_found_and_masked(prefix: str, alphabet: str, length: int, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311  # hypothesis owns the chance here
    value = prefix + "".join(draw.choices(alphabet, k=length))

    assert looks_like_secret(value)
    assert looks_like_secret(f"feature/{value}")
    for text in (value, f"the key {value} is bad", f'{{"x":"{value}"}}', f"a\n{value}\nb", f"k={value}&x=1"):
        assert value not in mask_secrets(text)
        assert value[len(prefix) : -1] not in mask_secrets(text)


@given(bits=st.binary(min_size=32, max_size=32))
def test_our_own_keys_are_found(bits: bytes) -> None:
    assert looks_like_secret(key_text(bits))
    assert mask_secrets(f"key {key_text(bits)}.") == "key [secret]."


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        pytest.param("Authorization: Bearer abc", "Authorization: Bearer [secret]", id="short bearer"),
        pytest.param("authorization=Basic dTpw", "authorization=Basic [secret]", id="basic"),
        pytest.param("{'Authorization': 'Token t'}", "{'Authorization': 'Token [secret]'}", id="a dict's repr"),
        pytest.param("(b'x-api-key', b'0123')", "(b'x-api-key', b'[secret]')", id="a pair of bytes"),
        pytest.param(r"{\"api-key\": \"abc\"}", r"{\"api-key\": \"[secret]\"}", id="JSON in JSON"),
        pytest.param("proxy-authorization: xyz", "proxy-authorization: [secret]", id="proxy"),
        pytest.param("Cookie: a=b; c=d\nnext", "Cookie: [secret]\nnext", id="cookie to the end of its line"),
        pytest.param("got Bearer abcdefgh12345678 here", "got Bearer [secret] here", id="bearer in a sentence"),
        pytest.param("https://u:p@host/x", "https://[secret]@host/x", id="URL with a password"),
        pytest.param("redis://:p%40ss@h:6379", "redis://[secret]@h:6379", id="URL without a user"),
        pytest.param(f"api_key={WORD[:20]}", "api_key=[secret]", id="assignment"),
        pytest.param(f'"client_secret": "{WORD[5:30]}"', '"client_secret": "[secret]"', id="JSON member"),
        pytest.param(f"AccountKey={WORD[:30]}==;x", "AccountKey=[secret];x", id="connection string"),
    ],
)
def test_a_value_in_a_place_for_credentials_is_masked(text: str, masked: str) -> None:
    assert mask_secrets(text) == masked


@pytest.mark.parametrize("ending", ["", "\n-----END RSA PRIVATE KEY-----"])
def test_a_pem_block_is_masked_whole_even_without_its_end(ending: str) -> None:
    block = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIEow\nIBAAKCAQEA==" + ending

    assert mask_secrets(f"before {block}") == "before [secret]"
    assert looks_like_secret(block)


def test_a_json_web_token_is_masked() -> None:
    token = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0" + ".c2lnbmF0dXJl"

    assert mask_secrets(f"token {token}!") == "token [secret]!"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "support",
        "claude-3-5-sonnet-20241022",
        "anthropic/claude-sonnet-5-5",
        "req_011CSHoEeqs5C35K2UUqR7Fy",
        "0af7651916cd43dd8448eb211c80319c",
        "risk-assessment-of-large-projects",
        "task-4711-with-a-very-long-description",
        "https://example.com/a@b",
        "max_tokens=300, first_token: 0.41",
        "basic authentication failed",
        "the bearer of this letter",
        "secret: expected at least one character",
        "token budget: 100000000000000000000",
        "upstream.timeout.first_token",
    ],
)
def test_what_people_write_is_left_alone(text: str) -> None:
    assert not looks_like_secret(text)
    assert mask_secrets(text) == text


HOSTILE = [
    "sk-",
    "-sk-a",
    "eyJ",
    ".eyJaaaaaaaa",
    "eyJaaaaaaaa.",
    "-eyJaaaaaaaa-",
    "://",
    "://a:",
    "-----BEGIN ",
    "-----BEGIN RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----a-b",
    "authorization:",
    "authorization: bearer ",
    "authorization: ",
    "cookie:",
    "cookie: \n",
    "token=",
    "secret= ",
    "api_key: \\",
    "bearer ",
    "AKIA",
    "SG.",
    "x",
    "-",
    " ",
    "=",
    "\\",
    '"',
]


def _seconds(text: str) -> float:
    best = float("inf")
    for _ in range(3):
        begin = time.thread_time()
        mask_secrets(text)
        looks_like_secret(text)
        best = min(best, time.thread_time() - begin)
    return best


@pytest.mark.parametrize("piece", HOSTILE)
def test_time_grows_no_faster_than_the_text(piece: str) -> None:
    small, large = 12_500, 100_000

    ratio = _seconds(piece * (large // len(piece))) / max(_seconds(piece * (small // len(piece))), 1e-4)

    assert ratio < 24, "eight times the text took more than three times eight as long; a square would take 64"


@given(text=st.text())
def test_any_text_is_survived_and_masking_twice_changes_nothing(text: str) -> None:
    once = mask_secrets(text)

    assert mask_secrets(once) == once
