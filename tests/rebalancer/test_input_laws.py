"""Whatever stands in a target or a config: it is read, or refused by an InputError with a path."""

import contextlib
import datetime as dt
import tracemalloc
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nanobook
from nanobook_core.errors import ValidationError
from nanobook_rebalancer.config import Config
from nanobook_rebalancer.config_file import read_config, to_config
from nanobook_rebalancer.errors import InputError
from nanobook_rebalancer.target import Target, read_target, to_target

NOW = dt.datetime(2026, 2, 8, 15, 31, tzinfo=dt.UTC)
KEYS = (
    *("timestamp", "metadata", "targets", "constraints", "allow_flatten", "id", "symbol", "weight"),
    *("max_position_pct", "max_leverage", "min_trade_usd", "connection", "account", "execution"),
    *("risk", "cost", "logging", "broker", "plugins", "host", "port", "client_id", "type", "name"),
    *("allow_short", "checks", "dir", "audit_file", "allow", "max_orders_per_run", "api_key"),
)

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.text(max_size=20),
    st.sampled_from(("2026-02-08T15:30:00Z", "AAPL", "env:HOME", "paper", "cash", "DU1")),
    st.dates(),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(KEYS), st.text(max_size=9)), inner, max_size=4),
    ),
    max_leaves=20,
)
documents = st.one_of(values, st.dictionaries(st.sampled_from(KEYS), values, max_size=5))


@given(documents)
def test_a_target_of_anything_is_read_or_refused(document):
    with contextlib.suppress(InputError):
        assert isinstance(to_target(document, now=NOW), Target)


@given(documents.filter(lambda document: isinstance(document, dict)))
def test_a_config_of_anything_is_read_or_refused(document):
    with contextlib.suppress(InputError):
        assert isinstance(to_config(document), Config)


@pytest.mark.parametrize(
    "number",
    [10**309, -(10**5000), Decimal("1e309"), Decimal("1e999999999")],
    ids=["int", "odd int", "decimal", "odd decimal"],
)
def test_numbers_beyond_floats_are_refused(number):
    targets = [{"symbol": "A", "weight": number}]
    with pytest.raises(InputError, match=r"target: targets\[0\]\.weight: a weight, got "):
        to_target({"timestamp": "2026-02-08T15:30:00Z", "targets": targets}, now=NOW)
    with pytest.raises(InputError, match=r"config: risk\.min_trade_usd: min_trade_usd must be"):
        to_config({"risk": {"min_trade_usd": number}})


symbols = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8)
odd_symbols = st.text(st.characters(max_codepoint=300), max_size=10)
weights = st.dictionaries(
    st.integers(0, 30).flatmap(lambda at: symbols if at else odd_symbols),
    st.floats(-1, 1).map(lambda weight: weight / 4),
    min_size=1,
    max_size=6,
)
ids = st.text(st.characters(min_codepoint=33, max_codepoint=1000), min_size=1, max_size=30)
constraints = st.fixed_dictionaries(
    {},
    optional={
        "max_position_pct": st.floats(0, 1, exclude_min=True),
        "max_leverage": st.floats(1, 1e300),
        "min_trade_usd": st.floats(0, 1e300),
    },
)


@settings(max_examples=300)
@given(
    weights,
    st.datetimes(max_value=NOW.replace(tzinfo=None), timezones=st.just(dt.UTC)),
    st.one_of(st.none(), ids),
    st.none() | constraints,
)
def test_what_weights_to_target_writes_is_read(tmp_path_factory, held, stamp, name, limits):
    path = tmp_path_factory.getbasetemp() / "target.json"
    try:
        nanobook.weights_to_target(held, path, timestamp=stamp, id=name, constraints=limits)
    except ValidationError:
        return
    target = read_target(path, now=NOW)
    assert {symbol: float(weight) for symbol, weight in target.weights.items()} == pytest.approx(
        {symbol: weight for symbol, weight in held.items() if weight}, abs=1e-9
    )
    assert target.timestamp == stamp
    assert name is None or target.window == name
    for limit, value in (limits or {}).items():
        assert getattr(target.constraints, limit) == Decimal(repr(value))


@pytest.mark.parametrize(
    ("name", "read"),
    [("config.toml", read_config), ("target.json", lambda path: read_target(path, now=NOW))],
)
def test_of_100_mb_only_the_beginning_is_read(name, read, tmp_path):
    path = tmp_path / name
    with path.open("wb") as file:
        file.truncate(100_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="and this is longer"):
            read(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000
