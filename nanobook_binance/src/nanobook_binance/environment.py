"""Where the venue is: live, its testnet, its demo mode, or an address of one's own."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from attrs import frozen

from nanobook_core.errors import ValidationError, shown


@frozen(kw_only=True)
class Environment:
    """Addresses, and whether real money is behind them."""

    name: str
    """`live`, `testnet`, `demo` or `simulator`, as the address is known."""
    rest: str
    """Without a path."""
    ws_api: str
    is_live: bool


LIVE = Environment(
    name="live",
    rest="https://api.binance.com",
    ws_api="wss://ws-api.binance.com/ws-api/v3",
    is_live=True,
)
TESTNET = Environment(
    name="testnet",
    rest="https://testnet.binance.vision",
    ws_api="wss://ws-api.testnet.binance.vision/ws-api/v3",
    is_live=False,
)
DEMO = Environment(
    name="demo",
    rest="https://demo-api.binance.com",
    ws_api="wss://demo-ws-api.binance.com/ws-api/v3",
    is_live=False,
)
_WS_PATH = "/ws-api/v3"


def choose_environment(
    *, testnet: bool, demo: bool, base_url: str | None = None, ws_url: str | None = None
) -> Environment:
    """Return the addresses that are meant.

    An address of one's own goes before the flags, and it alone says whether money is real: it is,
    unless it is this machine, the testnet or the demo mode.

    Raises:
        TypeError: a flag is no bool, or an address no str.
        ValidationError: both flags; or what is no address, or one that would show the keys to
            whoever carries them.

    """
    for name, flag in (("testnet", testnet), ("demo", demo)):
        if not isinstance(flag, bool):
            raise TypeError(f"{name} is True or False, got {shown(flag)}")
    if testnet and demo and base_url is None:
        raise ValidationError(
            "testnet and demo exclude each other; for demo say testnet=False, demo=True"
        )
    usual = TESTNET if testnet else DEMO if demo else LIVE
    rest = usual.rest if base_url is None else _address(base_url, "base_url", ("https", "http"))
    found = _by_host(rest)
    if ws_url is not None:
        ws_api = _address(ws_url, "ws_url", ("wss", "ws"))
        if _by_host(ws_api).name != found.name:
            raise ValidationError(
                f"base_url is {found.name} and ws_url is {_by_host(ws_api).name}; "
                "give both of one environment"
            )
    elif found.ws_api:
        ws_api = found.ws_api
    else:
        ws_api = rest.replace("http", "ws", 1) + _WS_PATH
    return Environment(name=found.name, rest=rest, ws_api=ws_api, is_live=found.is_live)


def _by_host(url: str) -> Environment:
    host = _host(url)
    if _is_loopback(host):
        return Environment(name="simulator", rest=url, ws_api="", is_live=False)
    if host == "testnet.binance.vision" or host.endswith(".testnet.binance.vision"):
        return TESTNET
    if host in (_host(DEMO.rest), _host(DEMO.ws_api)):
        return DEMO
    if host.endswith(".binance.com"):
        return LIVE
    return Environment(name="live", rest=url, ws_api="", is_live=True)


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _address(url: object, name: str, schemes: tuple[str, str]) -> str:
    if not isinstance(url, str):
        raise TypeError(f"{name} is a str, got {shown(url)}")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    safe, plain = schemes
    if not host or parts.scheme not in schemes or parts.query or parts.fragment or parts.username:
        got = "one with a password in it" if "@" in url else shown(url)
        raise ValidationError(f"{name} is like {safe}://host:port, got {got}")
    if parts.scheme == plain and not _is_loopback(host):
        raise ValidationError(
            f"{name}: {plain}:// would show the API key to whoever carries it; use {safe}://"
        )
    trimmed = url.rstrip("/")
    return trimmed.removesuffix("/v3").removesuffix("/api") if name == "base_url" else trimmed
