"""What `nanobook doctor` looks at for Binance: libraries, keys, and the clock when asked."""

from __future__ import annotations

import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

from nanobook_core.cli.finding import Finding, installed

#: What the adapter talks through, and what its simulated venue listens with.
_LIBRARIES = ("requests", "websocket-client", "cryptography")
_SERVER = "aiohttp"
_KEYS = ("BINANCE_API_KEY", "BINANCE_SECRET_KEY")
#: Binance refuses what is dated further ahead than that.
_MOST_SECONDS = 1.0
_TIMEOUT_SECONDS = 10.0


def examine_binance() -> Iterator[Finding]:
    """Findings where the adapter is installed; of keys only whether they are there."""
    if installed("nanobook-binance") is None:
        return
    for name in _LIBRARIES:
        if found := installed(name):
            yield Finding("ok", name, found)
        else:
            how = f"python3 -m pip install {name} brings it back"
            yield Finding("error", name, f"is gone: BinanceBroker cannot connect; {how}")
    if found := installed(_SERVER):
        yield Finding("ok", _SERVER, found)
    else:
        how = f"python3 -m pip install {_SERVER} adds it"
        yield Finding("note", _SERVER, f"not installed: no simulated Binance without it; {how}")
    there = [name for name in _KEYS if os.environ.get(name)]
    if len(there) == len(_KEYS):
        yield Finding("ok", "binance keys", f"{' and '.join(there)} are set")
    elif there:
        (missing,) = set(_KEYS) - set(there)
        yield Finding("warning", "binance keys", f"{there[0]} is set, {missing} is not")
    else:
        yield Finding(
            "note",
            "binance keys",
            f"{' and '.join(_KEYS)} are not set; BinanceBroker has no keys but those it is given",
        )


def examine_clock(url: str) -> Finding:
    """How far this machine's clock is from that of Binance at an address."""
    if not url.startswith(("https://", "http://")):
        return Finding("error", "clock", f"an address like https://api.binance.com, got {url!r}")
    try:
        before = time.time()
        with urllib.request.urlopen(  # noqa: S310 - the scheme was looked at
            f"{url.rstrip('/')}/api/v3/time", timeout=_TIMEOUT_SECONDS
        ) as answer:
            told = json.load(answer)["serverTime"] / 1000
        after = time.time()
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        return Finding("error", "clock", f"{url} does not tell the time: {reason}")
    ahead, width = (before + after) / 2 - told, (after - before) / 2
    detail = f"{abs(ahead):.3f} s {'ahead of' if ahead > 0 else 'behind'} {url}, within {width:.3f}"
    if abs(ahead) - width <= _MOST_SECONDS:
        return Finding("ok", "clock", detail)
    return Finding("warning", "clock", f"{detail}; set it, as with NTP")
