"""What the simulator says: to the byte as it was agreed, and as the library's decoder reads it.

`python -m tests.ibkr.test_reply` writes the golden file anew; with ib_async, which speaks all the
versions.
"""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.ibkr.wire_library import HIGHEST, decoded, sent, told

from nanobook_ibkr.simulator import reply, request
from nanobook_ibkr.simulator.record import (
    AccountValue,
    ContractDefinition,
    OrderForm,
    OrderStatusWord,
    VenueExecution,
    VenueOrder,
    VenuePosition,
    WhatIf,
)
from nanobook_ibkr.simulator.wire import MAX_VERSION, MIN_VERSION, decode, encode

GOLDEN = Path(__file__).parents[1] / "data" / "ibkr" / "replies.json"
VERSIONS = (157, 158, 160, 163, 164, 166, 170, 176, 177, 178)
SPOKEN = [version for version in range(MIN_VERSION, MAX_VERSION + 1) if version <= HIGHEST]
D = Decimal

AAPL = ContractDefinition(
    con_id=265598,
    symbol="AAPL",
    local_symbol="AAPL.L",
    trading_class="NMSX",
    primary_exchange="NASDAQ",
    currency="USD",
    long_name="APPLE \\ Café",
    market_rule_id=557,
    price_steps=((D(0), D("0.0001")), (D(1), D("0.01"))),
    min_size=D("0.0001"),
    size_increment=D("0.0002"),
)
VOD = ContractDefinition(con_id=31, symbol="VOD", currency="GBP", primary_exchange="LSE")
FORM = OrderForm(
    action="SELL",
    quantity=D("100.5"),
    order_type="TRAIL",
    limit_price=D("150.25"),
    aux_price=D("2.5"),
    trail_stop_price=D("140.75"),
    trailing_percent=D("1.5"),
    tif="GTD",
    good_till_date="20261222 20:00:00 UTC",
    oca_group="group",
    oca_type=2,
    account="DU1234567",
    order_ref="nb-1",
    parent_id=6,
    outside_hours=True,
    hidden=True,
    all_or_none=True,
    min_quantity=D(20),
    cash_quantity=D("5000.5"),
)
ORDER = VenueOrder(
    perm_id=1853000001,
    client_id=3,
    order_id=7,
    contract=AAPL,
    form=FORM,
    account="DU1234567",
    status=OrderStatusWord.SUBMITTED,
    filled=D("40.25"),
    avg_price=D("150.3"),
    last_price=D("150.4"),
    why_held="child",
)
MARKET = evolve(ORDER, form=OrderForm(action="BUY", quantity=D(100), order_type="MKT"), filled=D(0))
WHAT_IF = WhatIf(
    init_margin_before=D(1),
    maint_margin_before=D(2),
    equity_before=D(3),
    init_margin_change=D("4.5"),
    maint_margin_change=D("5.5"),
    equity_change=D("-6.5"),
    init_margin_after=D(7),
    maint_margin_after=D(8),
    equity_after=D(9),
    commission=D("1.05"),
    warning="after hours",
)
FILLED = evolve(
    ORDER,
    status=OrderStatusWord.FILLED,
    filled=D("100.5"),
    completed_at=dt.datetime(2026, 11, 22, 15, 30, tzinfo=dt.timezone(dt.timedelta(hours=2))),
)
CANCELLED = evolve(
    MARKET,
    status=OrderStatusWord.CANCELLED,
    reason="Cancelled by Trader",
    completed_at=dt.datetime(2026, 11, 22, 13, 30, tzinfo=dt.UTC),
)
EXECUTION = VenueExecution(
    exec_id="0000e0d5.00000001.01.01",
    perm_id=1853000001,
    client_id=3,
    order_id=7,
    order_ref="nb-1",
    account="DU1234567",
    contract=AAPL,
    exchange="ISLAND",
    action="SELL",
    quantity=D("40.25"),
    price=D("150.3"),
    time=dt.datetime(2026, 11, 22, 13, 30, 5, 999_999, tzinfo=dt.UTC),
    cumulative=D("60.25"),
    avg_price=D("150.35"),
    commission=D("1.05"),
    realized_pnl=D("-12.5"),
)
POSITION = VenuePosition(
    account="DU1234567",
    contract=AAPL,
    quantity=D("-40.5"),
    avg_cost=D("150.01"),
    market_price=D(150),
    realized_pnl=D("3.5"),
)
NET = AccountValue(account="DU1234567", key="NetLiquidation", value="1000000.00", currency="USD")
NOON = dt.datetime(2026, 11, 22, 12, 5, 59, tzinfo=dt.UTC)

SAMPLES = {
    "account_download_end": ("DU1234567",),
    "account_summary": (9, NET),
    "account_summary_end": (9,),
    "account_time": (NOON,),
    "account_update_multi": (8, NET, "Core"),
    "account_update_multi_end": (8,),
    "account_value": (NET,),
    "commission": (EXECUTION,),
    "commission of what closed nothing": (evolve(EXECUTION, realized_pnl=None),),
    "completed_order": (FILLED,),
    "completed_order that was cancelled": (CANCELLED,),
    "completed_orders_end": (),
    "contract_details": (5, AAPL),
    "contract_details of another": (5, VOD),
    "contract_details_end": (5,),
    "current_time": (1795354200,),
    "error": (7, 201, "Order rejected - reason:no"),
    "error about no request": (-1, 2104, "Market data farm connection is OK:usfarm"),
    "execution": (-1, EXECUTION),
    "execution of a maker": (6, evolve(EXECUTION, action="BUY", is_maker=True)),
    "execution_end": (6,),
    "managed_accounts": (["DU1234567", "DU7654321"],),
    "market_data_type": (5, 3),
    "market_rule": (557, AAPL.price_steps),
    "next_valid_id": (1001,),
    "open_order": (ORDER,),
    "open_order at the market": (MARKET,),
    "open_order_end": (),
    "order_status": (ORDER,),
    "portfolio_value": (POSITION,),
    "position": (POSITION,),
    "position_end": (),
    "symbol_samples": (4, [AAPL, VOD]),
    "symbol_samples of nothing": (4, []),
    "tick_generic": (5, reply.TickType.HALTED, 2),
    "tick_price": (5, reply.TickType.BID, D("150.30"), D("200.5")),
    "tick_price of nobody": (5, reply.TickType.ASK, None),
    "tick_req_params": (5, D("0.0001")),
    "tick_size": (5, reply.TickType.VOLUME, D(1_000_000)),
    "tick_snapshot_end": (5,),
    "tick_string": (5, reply.TickType.LAST_TIMESTAMP, "1795354200"),
}
WHAT_IF_NAME = "open_order that was asked about only"


def message(name, version):
    if name == WHAT_IF_NAME:
        return reply.open_order(version, ORDER, what_if=WHAT_IF)
    return getattr(reply, name.split()[0])(version, *SAMPLES[name])


def fields(name, version):
    return decode(encode(message(name, version))[4:])


def by_version(tell, name):
    """What is told at the versions, once for all that agree: `157 158 160` → what."""
    told_at = {}
    for version in VERSIONS:
        told_at.setdefault(json.dumps(tell(name, version)), []).append(str(version))
    return {" ".join(versions): json.loads(told) for told, versions in told_at.items()}


def as_written(name, version):
    return "".join(f"{field}|" for field in fields(name, version))


def as_read(name, version):
    method, args = decoded(fields(name, version), version)
    return [method, *map(told, args)]


def golden():
    return {
        name: {
            "wire": by_version(as_written, name),
            "read": by_version(as_read, name),
        }
        for name in [*SAMPLES, WHAT_IF_NAME]
    }


AGREED = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}


def agreed(name, what, version):
    (value,) = (v for key, v in AGREED[name][what].items() if str(version) in key.split())
    return value


def test_every_message_is_agreed_on():
    assert set(AGREED) == {*SAMPLES, WHAT_IF_NAME}
    names = {name.split()[0] for name in AGREED}
    assert names == {*reply.__all__} - {"TickType", "welcome"}


@pytest.mark.parametrize("name", AGREED)
def test_a_message_is_to_the_byte_as_agreed(name):
    for version in VERSIONS:
        payload = agreed(name, "wire", version).replace("|", "\0").encode()
        assert encode(message(name, version)) == len(payload).to_bytes(4, "big") + payload


@pytest.mark.parametrize("name", AGREED)
def test_the_library_reads_every_field_where_it_belongs(name):
    for version in VERSIONS:
        if version <= HIGHEST:
            assert as_read(name, version) == agreed(name, "read", version)


@pytest.mark.parametrize("name", AGREED)
def test_the_library_reads_every_message_at_every_version_it_speaks(name):
    method = agreed(name, "read", MIN_VERSION)[0]
    assert [as_read(name, version)[0] for version in SPOKEN] == [method] * len(SPOKEN)


def test_the_greeting_is_the_version_and_the_time():
    time = dt.datetime(2026, 11, 22, 14, 30, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    assert encode(reply.welcome(176, time)) == b"\0\0\0\x1a176\x0020261122 13:30:00 UTC\0"


def test_an_error_tells_since_166_what_an_advanced_reject_says():
    assert reply.error(165, 7, 201, "no", "{}") == [4, 2, 7, 201, "no"]
    assert reply.error(166, 7, 201, "no", "{}") == [4, 2, 7, 201, "no", "{}"]


def test_hours_and_exchange_of_a_contract_arrive():
    details = reply.contract_details(
        MIN_VERSION,
        5,
        AAPL,
        exchange="ISLAND",
        trading_hours="20261123:0400-20261123:2000",
        liquid_hours="20261123:0930-20261123:1600",
        time_zone="UTC",
    )
    _, (_, read) = decoded(decode(encode(details)[4:]), MIN_VERSION)
    assert read.contract.exchange == "ISLAND"
    assert read.tradingHours == "20261123:0400-20261123:2000"
    assert read.liquidHours == "20261123:0930-20261123:1600"
    assert read.timeZoneId == "UTC"


PRICE = st.one_of(st.none(), st.decimals(D("0.0001"), 10**6, places=4))
NAME = st.text("abcXYZ0129 -_.é", max_size=10)
FORMS = st.builds(
    OrderForm,
    action=st.sampled_from(["BUY", "SELL"]),
    quantity=st.decimals(D("0.0001"), 10**9, places=4),
    order_type=st.sampled_from(["MKT", "LMT", "STP", "STP LMT", "TRAIL"]),
    limit_price=PRICE,
    aux_price=PRICE,
    trail_stop_price=PRICE,
    trailing_percent=PRICE,
    tif=st.sampled_from(["DAY", "GTC", "IOC", "GTD"]),
    good_till_date=NAME,
    oca_group=NAME,
    oca_type=st.integers(1, 3),
    account=st.just("DU1234567"),
    order_ref=NAME,
    parent_id=st.integers(0, 10**6),
    outside_hours=st.booleans(),
    hidden=st.booleans(),
    all_or_none=st.booleans(),
    min_quantity=st.one_of(st.none(), st.integers(1, 10**6).map(D)),
    cash_quantity=PRICE,
)


@given(FORMS, st.sampled_from(SPOKEN))
def test_an_order_that_is_told_and_sent_back_is_the_same_order(form, version):
    """So that a client can change one field of an order it was told, and nothing else of it."""
    order = evolve(ORDER, form=form)
    told_fields = decode(encode(reply.open_order(version, order))[4:])
    _, (order_id, contract, library_order, _) = decoded(told_fields, version)
    back = request.parse(
        sent(version, lambda client: client.placeOrder(order_id, contract, library_order)), version
    )
    # TWS tells a price that is not there as 0.
    expected = evolve(form, limit_price=form.limit_price or D(0), aux_price=form.aux_price or D(0))
    assert (back.order_id, back.form) == (7, expected)
    assert (back.contract.con_id, back.contract.exchange) == (265598, "SMART")


@given(FORMS, st.decimals(0, 10**6, places=4), st.sampled_from(SPOKEN))
def test_a_completed_order_tells_what_it_was_and_what_filled(form, filled, version):
    order = evolve(FILLED, form=form, filled=filled)
    told_fields = decode(encode(reply.completed_order(version, order))[4:])
    _, (contract, read, state) = decoded(told_fields, version)
    assert (contract.conId, read.permId, read.action) == (265598, 1853000001, form.action)
    assert (read.totalQuantity, read.filledQuantity) == (float(form.quantity), float(filled))
    assert (read.orderRef, read.orderType, read.tif) == (form.order_ref, form.order_type, form.tif)
    assert (read.orderId, read.clientId) == (0, 0)
    assert state.status == "Filled"


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(golden(), indent=1, ensure_ascii=False) + "\n")
