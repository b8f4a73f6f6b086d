import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.error import PolicyError
from seawall.core.target import Origin
from seawall.upstreams.proxy import ProxyRules, proxy_rules

PROXY = "http://proxy.test:3128"


def _https(host: str, port: int = 443) -> Origin:
    return Origin("https", host, port)


@pytest.mark.parametrize(
    ("environ", "http", "https"),
    [
        pytest.param({}, None, None, id="nothing set"),
        pytest.param({"HTTPS_PROXY": PROXY}, None, PROXY, id="https only"),
        pytest.param({"HTTP_PROXY": PROXY}, PROXY, None, id="http only"),
        pytest.param({"ALL_PROXY": PROXY}, PROXY, PROXY, id="all"),
        pytest.param(
            {"ALL_PROXY": "http://other.test", "https_proxy": PROXY}, "http://other.test", PROXY, id="own wins"
        ),
        pytest.param({"HTTPS_PROXY": "http://other.test", "https_proxy": PROXY}, None, PROXY, id="lower case wins"),
        pytest.param({"HTTPS_PROXY": " "}, None, None, id="blank is unset"),
        pytest.param({"HTTPS_PROXY": "proxy.test:3128"}, None, PROXY, id="http is the default"),
        pytest.param({"HTTP_PROXY": PROXY, "REQUEST_METHOD": "GET"}, None, None, id="a CGI client may not set it"),
        pytest.param({"all_proxy": "socks5h://proxy.test"}, *["socks5h://proxy.test"] * 2, id="socks"),
    ],
)
def test_variables_name_the_proxy(environ: dict[str, str], http: str | None, https: str | None) -> None:
    rules = proxy_rules(environ)

    assert rules.proxy_for(Origin("http", "api.test", 80)) == http
    assert rules.proxy_for(_https("api.test")) == https


@pytest.mark.parametrize("url", ["ftp://proxy.test", "http://", "http://proxy.test:99999", "http://proxy.test:0"])
def test_unusable_proxy_is_told_by_its_variable_alone(url: str) -> None:
    secret = url.replace("://", "://mara:hunter2@")

    with pytest.raises(PolicyError, match="HTTPS_PROXY") as caught:
        proxy_rules({"HTTPS_PROXY": secret})

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "host", "port", "is_exempt"),
    [
        ("*", "api.test", 443, True),
        ("api.test", "api.test", 443, True),
        ("API.test", "api.TEST", 443, True),
        ("provider.test", "api.provider.test", 443, True),
        (".provider.test", "api.provider.test", 443, True),
        (".provider.test", "provider.test", 443, True),
        ("*.provider.test", "api.provider.test", 443, True),
        ("vider.test", "provider.test", 443, False),
        ("api.test", "api.test.evil", 443, False),
        ("api.test:8443", "api.test", 8443, True),
        ("api.test:8443", "api.test", 443, False),
        ("10.0.0.1", "10.0.0.1", 443, True),
        ("10.0.0.1", "10.0.0.10", 443, False),
        ("10.0.0.1:443", "10.0.0.1", 443, True),
        ("10.0.0.1:80", "10.0.0.1", 443, False),
        ("10.0.0.0/8", "10.1.2.3", 443, True),
        ("10.0.0.0/8", "11.1.2.3", 443, False),
        ("10.0.0.0/8", "ten.test", 443, False),
        ("10.0.0.0/99", "10.1.2.3", 443, False),
        ("fd00::/8", "fd00::1", 443, True),
        ("fd00::1", "fd00:0::1", 443, True),
        ("[fd00::1]", "fd00::1", 443, True),
        ("[fd00::1]:443", "fd00::1", 443, True),
        ("[fd00::1]:80", "fd00::1", 443, False),
        ("0.0.0.1", "api.test", 443, False),
        (".", "api.test", 443, False),
        ("a.test, api.test b.test", "api.test", 443, True),
    ],
)
def test_exempt_hosts_are_reached_directly(entry: str, host: str, port: int, is_exempt: bool) -> None:
    rules = proxy_rules({"HTTPS_PROXY": PROXY, "NO_PROXY": entry})

    assert (rules.proxy_for(_https(host, port)) is None) is is_exempt


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "::1"])
def test_loopback_is_always_direct(host: str) -> None:
    assert ProxyRules(https=PROXY).proxy_for(_https(host)) is None


@given(entry=st.text(max_size=30), host=st.text(min_size=1, max_size=30))
def test_any_entry_is_read_without_an_error(entry: str, host: str) -> None:
    proxy_rules({"HTTPS_PROXY": PROXY, "no_proxy": entry}).proxy_for(_https(host))


def test_credentials_of_a_proxy_are_not_shown() -> None:
    assert "hunter2" not in repr(proxy_rules({"ALL_PROXY": "http://mara:hunter2@proxy.test"}))


@pytest.mark.parametrize(
    ("url", "credentials"),
    [
        pytest.param("http://user:pass%2Fword@proxy.example:3128", ["pass/word"], id="a name and a password"),
        pytest.param("http://token@proxy.example:3128", ["token"], id="a token alone"),
        pytest.param("http://:password@proxy.example:3128", ["password"], id="a password alone"),
        pytest.param("http://proxy.example:3128", [], id="none"),
        pytest.param("http://user:p%C3%A4ss@proxy.example:3128", [], id="what no header could carry"),
    ],
)
def test_credentials_of_proxies_are_known(url: str, credentials: list[str]) -> None:
    rules = proxy_rules({"HTTP_PROXY": url})

    assert [secret.reveal() for secret in rules.credentials()] == credentials


def test_both_proxies_credentials_are_known() -> None:
    rules = proxy_rules(
        {"ALL_PROXY": "http://a:for-all@one.example:1", "HTTPS_PROXY": "http://a:for-tls@two.example:1"}
    )

    assert {secret.reveal() for secret in rules.credentials()} == {"for-all", "for-tls"}
