"""Random and mutated bytes: every parser reads them, or raises what its docstring says.

As a script it does so as many times as it is told: python tests/rebalancer/test_fuzz.py 1000000
"""

import datetime as dt
import io
import json
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path
from random import Random

import pytest

from nanobook_rebalancer.anchor import _parsed as parse_anchor
from nanobook_rebalancer.chain import EVENTS, FIRST_PREV, Scan, line_of, read_line
from nanobook_rebalancer.config_file import _parsed as parse_config
from nanobook_rebalancer.config_file import to_config
from nanobook_rebalancer.errors import AuditError, InputError
from nanobook_rebalancer.json_document import parse_json
from nanobook_rebalancer.target import _weight, to_target

DATA = Path(__file__).parents[1] / "data" / "rebalancer"
NOW = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)
SEED_TARGET = {
    "timestamp": "2026-01-31T09:30:00Z",
    "metadata": {"id": "run-1"},
    "targets": [{"symbol": "AAPL", "weight": 0.25}, {"symbol": "KEY", "weight": -1e-3}],
    "constraints": {"max_position_pct": 0.5, "max_leverage": 1.5, "min_trade_usd": 100},
}
SEED_CONFIG = """
[connection]
host = "127.0.0.1"
port = 7497
client_id = 1
[account]
id = "DU1234567"
type = "margin"
[execution]
order_interval_ms = 100
limit_offset_bps = 5.5
[risk]
max_leverage = 1.5
[risk.checks.daily_loss]
limit = 100
[cost]
slippage_bps = 5
[logging]
dir = "./logs"
[broker]
name = "paper"
cash = 1_000_000
api_key = "env:KEY"
[plugins]
allow = ["nanobook-risk"]
"""

#: What has broken parsers of other people.
TOKENS = [
    *(b"NaN", b"Infinity", b"-0", b"1e999", b"1e-999999999", b"9" * 33, b"0x1", b"01", b"\\ud800"),
    *(b"null", b"true", b"[]", b"{}", b'""', b"[" * 70, b'{"a":' * 70, b"\0", b"\n", b"\r\n"),
    *(b"\xff\xfe", b"\xef\xbb\xbf", b"\xc3", b'"', b"\\", b",", b":", b" ", b'"v":2', b'"seq":1'),
    *(b"1979-05-27T07:32:00Z", b"inf", b"nan", b'"""', b"'''", b"[[", b"]]", b"=", b"a.b.c=1"),
    *("\u0663\u2028\U0001f600".encode(), b"-9223372036854775809", b"18446744073709551616"),
]


def whole_log():
    return (DATA / "audit_v1.jsonl").read_bytes()


def scanned(data):
    list(Scan("audit", io.BytesIO(data)))


def target(data):
    document = parse_json(data, limit=1_000_000, what="target", real=_weight)
    to_target(document, now=NOW)


def config(data):
    to_config(parse_config(data, "config"))


#: What is called, with what it may be given, and which errors it may raise.
PARSERS = {
    "json": (
        partial(parse_json, limit=1000, what="document"),
        [json.dumps(SEED_TARGET, indent=1).encode(), b"[1, 2.5, {}]"],
        InputError,
    ),
    "target": (target, [json.dumps(SEED_TARGET).encode()], InputError),
    "config": (config, [SEED_CONFIG.encode()], InputError),
    "record": (read_line, whole_log().splitlines(), ValueError),
    "log": (scanned, [b"".join(whole_log().splitlines(keepends=True)[:3])], AuditError),
    "anchor": (
        partial(parse_anchor, Path("audit.anchor")),
        [b'{"hash":"0","seq":3,"signature":"","v":1}\n'],
        AuditError,
    ),
}


def mutated(random, seeds):
    """Bytes that are nearly one of those, or, one time in ten, nothing like them."""
    if random.random() < 0.1:
        return random.randbytes(random.randrange(40))
    data = bytearray(random.choice(seeds))
    for _ in range(random.choice((1, 1, 1, 2, 5))):
        at, size = random.randrange(len(data) + 1), random.choice((0, 1, 1, 3, 20))
        match random.randrange(6):
            case 0 if at < len(data):
                data[at] ^= 1 << random.randrange(8)
            case 1:
                del data[at : at + size]
            case 2:
                data[at:at] = data[at : at + size]
            case 3:
                data[at : at + size] = random.choice(TOKENS)
            case 4:
                data[at:at] = random.randbytes(size)
            case _:
                del data[at + size * 20 :]
    return bytes(data)


def sound_record(random):
    """A line whose hash is right, whatever is in it."""
    kinds = (1, -1, True, None, "x", 1.5, [], {}, "1", 2)
    body = {
        "data": {},
        "event": random.choice(sorted(EVENTS)),
        "prev": FIRST_PREV,
        "run": "w",
        "seq": 1,
        "ts_mono": 1.0,
        "ts_wall": "2026-01-31T09:30:00.000000Z",
        "v": 1,
    }
    for _ in range(random.randrange(3)):
        name = random.choice([*body, "other"])
        if name != "prev":
            body[name] = random.choice(kinds)
    return line_of(body)


def fuzz(times, seed):
    """Try each parser so many times; how often each read what it was given, and refused it."""
    random = Random(seed)  # noqa: S311 - no secrets
    met = Counter()
    for number in range(times):
        for name, (parse, seeds, error) in PARSERS.items():
            if name in ("log", "record") and number % 10 == 0:
                data = sound_record(random).removesuffix(b"\n" if name == "record" else b"")
            else:
                data = mutated(random, seeds)
            try:
                parse(data)
            except error:
                met[name, "refused"] += 1
            except BaseException as unexpected:
                raise AssertionError(f"{name}: {data!r}") from unexpected
            else:
                met[name, "read"] += 1
    return met


def check_fuzz(times, seed):
    met = fuzz(times, seed)
    assert met.total() == times * len(PARSERS)
    for name in PARSERS:  # it is no test of one of them where all is read, or all refused
        assert met[name, "read"] > 0
        assert met[name, "refused"] > times / 3


def test_mutated_bytes_are_read_or_refused_as_documented():
    check_fuzz(2_000, seed=1)


@pytest.mark.slow
def test_600_000_mutated_bytes_are_read_or_refused_as_documented():
    check_fuzz(100_000, seed=2)


if __name__ == "__main__":
    started = time.monotonic()
    found = fuzz(int(sys.argv[1]) // len(PARSERS), seed=int((sys.argv[2:] or [3])[0]))
    for parser, how in sorted(found):
        sys.stdout.write(f"{parser:8} {how:8} {found[parser, how]:10,}\n")
    sys.stdout.write(f"{found.total():,} inputs in {time.monotonic() - started:.0f} s\n")
