import json
import random
import string
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.key import key_text
from seawall.telemetry.secret_format import SHORTEST, looks_like_secret, mask_secrets

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
    # Their relatives
    pytest.param("sk-ant-oat01-", DASHED, 95, id="anthropic oauth"),
    pytest.param("sk-svcacct-", DASHED, 120, id="openai service account"),
    pytest.param("sk-or-v1-", string.hexdigits, 64, id="openrouter"),
    pytest.param("gho_", WORD, 36, id="github oauth"),
    pytest.param("ghs_", WORD, 36, id="github app"),
    pytest.param("glrt-", DASHED, 20, id="gitlab runner"),
    pytest.param("glptt-", DASHED, 40, id="gitlab trigger"),
    pytest.param("glpat-", DASHED + ".", 51, id="gitlab, routable"),
    pytest.param("xoxp-", WORD + "-", 70, id="slack user"),
    pytest.param("xapp-1-", WORD + "-", 90, id="slack app"),
    pytest.param("GOCSPX-", DASHED, 28, id="google client secret"),
    pytest.param("ya29.", DASHED, 150, id="google access token"),
    pytest.param("rk_live_", WORD, 24, id="stripe restricted"),
    pytest.param("sk_test_", WORD, 24, id="stripe test"),
    pytest.param("whsec_", WORD, 32, id="stripe webhook"),
    pytest.param("hvb.", DASHED, 130, id="vault batch"),
    pytest.param("gsk_", WORD, 52, id="groq"),
    pytest.param("r8_", WORD, 37, id="replicate"),
    pytest.param("xai-", WORD, 80, id="xai"),
    pytest.param("pplx-", WORD, 48, id="perplexity"),
    pytest.param("nvapi-", DASHED, 64, id="nvidia"),
    pytest.param("lsv2_pt_", WORD + "_", 43, id="langsmith"),
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


EDGES = ("\n", "\t", "\x1b[31m", "\x1b[1;31m", "ä", "\x00", "=", '"')


@pytest.mark.parametrize(("prefix", "alphabet", "length"), FORMATS)
@pytest.mark.parametrize(
    "write",
    [
        pytest.param(str, id="as it is"),
        pytest.param(repr, id="in a repr"),
        pytest.param(lambda text: repr(text.encode()), id="in a repr of bytes"),
        pytest.param(json.dumps, id="in JSON"),
        pytest.param(lambda text: json.dumps(json.dumps(text)), id="in JSON in JSON"),
        pytest.param(lambda text: quote(text, safe=""), id="in a URL"),
        pytest.param(lambda text: quote(text, safe="").lower(), id="in a URL, in small letters"),
    ],
)
def test_a_credential_behind_an_escaped_character_is_masked(
    write: Callable[[str], str], prefix: str, alphabet: str, length: int
) -> None:
    draw = random.Random(length)  # noqa: S311  # it makes up a value, and keeps nothing secret
    value = prefix + "".join(draw.choices(alphabet, k=length))

    for edge in EDGES:
        text = write(f"a{edge}{value}{edge}b")
        if value in text:  # a URL in small letters has another one
            assert value[len(prefix) : -1] not in mask_secrets(text), repr(edge)
            assert looks_like_secret(text)


def test_what_stands_before_a_credential_is_kept() -> None:
    assert mask_secrets("a%3Dghp_" + "x1" * 18) == "a%3D[secret]"
    assert mask_secrets(repr("a\nghp_" + "x1" * 18)) == r"'a\n[secret]'"


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
        pytest.param("redis://u:p@ss@h:6379", "redis://[secret]@h:6379", id="password with an @"),
        pytest.param(f"https://{WORD * 9}@h/x", "https://[secret]@h/x", id="URL with a long token"),
        pytest.param("postgres://u:p@h,u:q@i/db", "postgres://[secret]@i/db", id="URL with two hosts"),
        pytest.param(f"Authorization: ApiKey {WORD[:20]}\nx", "Authorization: [secret]\nx", id="another scheme"),
        pytest.param("Authorization: abc is bad", "Authorization: [secret] is bad", id="no scheme"),
        pytest.param("Authorization: Bearer abc, Bearer def", "Authorization: Bearer [secret]", id="two tokens"),
        pytest.param("authorization=Bearer%20abc&x=1", "authorization=Bearer%20[secret]&x=1", id="bearer in a query"),
        pytest.param(
            'Authorization: Digest username="u", uri="/", response="0123"',
            "Authorization: Digest [secret]",
            id="digest",
        ),
        pytest.param(
            r'{"authorization": "Digest username=\"u\", response=\"0123\"", "x": 1}',
            '{"authorization": "Digest [secret]", "x": 1}',
            id="digest in JSON",
        ),
        pytest.param('"x-api-key": "a,b;c&d"', '"x-api-key": "[secret]"', id="separators between quotes"),
        pytest.param('Cookie: a="b"; c=d\nnext', "Cookie: [secret]\nnext", id="cookie with quotes"),
        pytest.param(r'{"cookie":"a=\"b\"; c=d","e":"f"}', '{"cookie":"[secret]","e":"f"}', id="cookie in JSON"),
        pytest.param('the "Cookie: a=b" and so on', 'the "Cookie: [secret]" and so on', id="cookie between quotes"),
        pytest.param("got Bearer\tabcdefgh12345678 here", "got Bearer\t[secret] here", id="bearer and a tab"),
        pytest.param("{'HTTP_COOKIE': 'a=b; c=d'}", "{'HTTP_COOKIE': '[secret]'}", id="environment of a request"),
        pytest.param("HTTP_AUTHORIZATION=Basic dTpw", "HTTP_AUTHORIZATION=Basic [secret]", id="the same, as text"),
        pytest.param(r"'a\r\nCookie: a=b; c'", r"'a\r\nCookie: [secret]'", id="cookie behind an escape"),
        pytest.param("a%0ABearer abcdefgh12345678", "a%0ABearer [secret]", id="bearer behind an escape"),
        pytest.param("got bearer: abcdefgh12345678", "got bearer: [secret]", id="bearer and a colon"),
        pytest.param(f"SECRET_KEY={WORD[:20]}", "SECRET_KEY=[secret]", id="secret key"),
        pytest.param(f"passphrase = '{WORD[:20]}'", "passphrase = '[secret]'", id="passphrase"),
        pytest.param(f"password2: {WORD[:20]}", "password2: [secret]", id="numbered"),
        pytest.param(f'signing_key => "{WORD[:20]}"', 'signing_key => "[secret]"', id="arrow"),
        pytest.param(f'if token == "{WORD[:20]}":', 'if token == "[secret]":', id="comparison"),
        pytest.param(f"token%3D{WORD[:20]}%26x", "token%3D[secret]", id="percent-encoded assignment"),
        pytest.param(f"<secret>{WORD[:20]}</secret>", "<secret>[secret]", id="XML"),
        pytest.param(f'"password": "{WORD[:9]},;&{WORD[9:20]}"', '"password": "[secret]"', id="marks between quotes"),
        pytest.param(rf'"password": "{WORD[:9]}\"{WORD[9:20]}"', '"password": "[secret]"', id="escaped quote"),
    ],
)
def test_a_value_in_a_place_for_credentials_is_masked(text: str, masked: str) -> None:
    assert mask_secrets(text) == masked
    assert looks_like_secret(text.ljust(SHORTEST, "."))


def test_a_pgp_key_is_masked() -> None:
    block = "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQVYBF\n=aBcD\n-----END PGP PRIVATE KEY BLOCK-----"

    assert mask_secrets(f"before {block} after") == "before [secret] after"


@pytest.mark.parametrize("ending", ["", "\n-----END RSA PRIVATE KEY-----"])
def test_a_pem_block_is_masked_whole_even_without_its_end(ending: str) -> None:
    block = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIEow\nIBAAKCAQEA==" + ending

    assert mask_secrets(f"before {block}") == "before [secret]"
    assert looks_like_secret(block)


def test_a_json_web_token_is_masked() -> None:
    token = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0" + ".c2lnbmF0dXJl"

    assert mask_secrets(f"token {token}!") == "token [secret]!"
    assert mask_secrets(f"token {token}.aXY0NTY3ODk.dGFnNDU2Nzg5!") == "token [secret]!"
    assert mask_secrets("token eyJhbGciOiJkaXIifQ..aXY0NTY3ODk.Y2lwaGVy.dGFn!") == "token [secret]!"


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
        "global-support-agent-production",
        "glob-patterns-are-not-supported-here",
        "glass-fibre-reinforced-polymers",
        "api_key: env:ANTHROPIC_API_KEY, which is not set",
        "550e8400-e29b-41d4-a716-446655440000",
        "key_0123456789abcdef",
        "chatcmpl-TYGIAd1JmFEwvHMLCbokK1XXYp0Pf",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "max_output_tokens=claude-haiku-5-5",
        "https://medium.com/@someone/a-story",
        "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-5-sonnet-20241022-v2:0",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "projects/acme-prod/locations/us-central1/publishers/anthropic/models/claude-sonnet-5-5",
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
    "://a@",
    "://a:b@",
    "authorization: a ",
    "authorization: a, b=",
    'authorization: a="',
    'authorization: "\\',
    'cookie: a="x"',
    'cookie: "\\"',
    'token: "\\',
    "token->token",
    "secret===",
    "bearer : ",
    "basic%20",
    "\\n",
    "\\nsk-",
    "%3D",
    "\x1b[1;",
    "eyJaaaaaaaa..",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----",
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


pieces = st.lists(st.sampled_from([*HOSTILE, WORD[:20], "bearer", "basic", "cookie", ":", " ", ",", '"', "a"]))


@given(text=pieces.map("".join) | st.text())
def test_a_label_looks_like_a_secret_where_it_would_be_masked(text: str) -> None:
    text = text.ljust(SHORTEST, ".")

    assert looks_like_secret(text) == (mask_secrets(text) != text)


@given(text=st.text())
def test_any_text_is_survived_and_masking_twice_changes_nothing(text: str) -> None:
    once = mask_secrets(text)

    assert mask_secrets(once) == once
