"""Where the venue is, and whether money is real there."""

import pytest

from nanobook_binance.environment import DEMO, LIVE, TESTNET, choose_environment
from nanobook_core.errors import ValidationError


def choose(base_url=None, ws_url=None, *, testnet=True, demo=False):
    return choose_environment(testnet=testnet, demo=demo, base_url=base_url, ws_url=ws_url)


def test_the_flags_choose_one_of_three():
    assert choose() == TESTNET
    assert choose(testnet=False) == LIVE
    assert choose(testnet=False, demo=True) == DEMO
    assert [one.is_live for one in (LIVE, TESTNET, DEMO)] == [True, False, False]
    with pytest.raises(ValidationError, match="exclude each other; for demo say testnet=False"):
        choose(demo=True)
    assert choose("http://127.0.0.1:1", demo=True).name == "simulator"


@pytest.mark.parametrize(
    ("url", "name", "is_live", "ws_api"),
    [
        ("http://127.0.0.1:8080", "simulator", False, "ws://127.0.0.1:8080/ws-api/v3"),
        ("http://localhost:8080/", "simulator", False, "ws://localhost:8080/ws-api/v3"),
        ("http://[::1]:8080/api", "simulator", False, "ws://[::1]:8080/ws-api/v3"),
        ("http://127.0.0.1:80/api/v3", "simulator", False, "ws://127.0.0.1:80/ws-api/v3"),
        ("https://127.0.0.7:1", "simulator", False, "wss://127.0.0.7:1/ws-api/v3"),
        ("https://testnet.binance.vision/api", "testnet", False, TESTNET.ws_api),
        ("https://api1.testnet.binance.vision", "testnet", False, TESTNET.ws_api),
        ("https://demo-api.binance.com", "demo", False, DEMO.ws_api),
        ("https://api.binance.com", "live", True, LIVE.ws_api),
        ("https://api4.binance.com/api", "live", True, LIVE.ws_api),
        ("https://api-gcp.binance.com", "live", True, LIVE.ws_api),
        ("https://demo-api.binance.com.evil.example", "live", True, None),
        ("https://proxy.example:8443", "live", True, "wss://proxy.example:8443/ws-api/v3"),
        ("https://eviltestnet.binance.vision", "live", True, None),
    ],
)
@pytest.mark.parametrize("testnet", [True, False])
def test_an_address_says_by_itself_whether_money_is_real(url, name, is_live, ws_api, testnet):
    found = choose(url, testnet=testnet)
    assert (found.name, found.is_live) == (name, is_live)
    assert found.rest == url.rstrip("/").removesuffix("/v3").removesuffix("/api")
    if ws_api is not None:
        assert found.ws_api == ws_api


def test_both_addresses_are_of_one_environment():
    found = choose("http://127.0.0.1:1", "ws://127.0.0.1:2/ws-api/v3")
    assert found.ws_api == "ws://127.0.0.1:2/ws-api/v3"
    with pytest.raises(ValidationError, match="base_url is simulator and ws_url is live"):
        choose("http://127.0.0.1:1", LIVE.ws_api)
    with pytest.raises(ValidationError, match="base_url is testnet and ws_url is demo"):
        choose(ws_url=DEMO.ws_api)


@pytest.mark.parametrize(
    "url", ["http://api.binance.com", "http://10.0.0.7:80", "HTTP://a.example"]
)
def test_keys_are_not_sent_in_the_clear(url):
    with pytest.raises(ValidationError, match="would show the API key"):
        choose(url)
    with pytest.raises(ValidationError, match="would show the API key"):
        choose(ws_url=url.lower().replace("http", "ws"))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.binance.com",
        "https://",
        "https://host:port",
        "https://host:99999",
        "ftp://host",
        "https://user:opensesame@host",
        "https://host?x=1",
        "https://host#x",
        "https://[::1",
    ],
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(ValidationError, match="base_url is like https://host:port") as caught:
        choose(url)
    assert "opensesame" not in str(caught.value)


@pytest.mark.parametrize("odd", [{"testnet": 1}, {"demo": None}, {"base_url": 7}, {"ws_url": b"x"}])
def test_what_is_of_another_type_is_refused(odd):
    with pytest.raises(TypeError, match=f"^{next(iter(odd))} is"):
        choose(**odd)
