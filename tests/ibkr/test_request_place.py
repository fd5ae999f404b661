"""Orders as the library's client sends them: whatever is set arrives, and nothing else does."""

import dataclasses
import itertools
import json
import math
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.ibkr.wire_library import HIGHEST, library, sent

from nanobook_ibkr.simulator.record import ContractKey, OrderForm
from nanobook_ibkr.simulator.request import PlaceOrder, parse
from nanobook_ibkr.simulator.wire import MIN_VERSION, WireError, decode, encode

VERSIONS = range(MIN_VERSION, HIGHEST + 1)
FIELDS = json.loads((Path(__file__).parents[1] / "data" / "ibkr" / "order_fields.json").read_text())
SINCE = {"duration": 158, "postToAts": 160}
STOCK = library.contract.Stock("AAPL", "SMART", "USD")
KEY = ContractKey(symbol="AAPL", sec_type="STK", exchange="SMART", currency="USD")
UNSET = {library.order.UNSET_DOUBLE, library.order.UNSET_INTEGER, None}


def placed(version, order, contract=STOCK):
    fields = sent(version, lambda client: client.placeOrder(7, contract, order))
    request = parse(decode(encode(fields)[4:]), version)
    assert isinstance(request, PlaceOrder)
    assert request.order_id == 7
    return request


def limit(**fields):
    return library.order.LimitOrder("BUY", 100, 1.5, **fields)


PLAIN = OrderForm(action="BUY", quantity=Decimal(100), order_type="LMT", limit_price=Decimal("1.5"))


def test_every_field_of_an_order_is_in_one_of_the_groups():
    names = [field.name for field in dataclasses.fields(library.order.Order)]
    assert sorted(itertools.chain(*FIELDS.values())) == sorted(names)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_limit_order_arrives_as_it_was_written(version):
    assert placed(version, limit()) == PlaceOrder(order_id=7, contract=KEY, form=PLAIN)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_field_of_the_form_arrives_at_its_place(version):
    order = library.order.Order(
        action="SELL",
        totalQuantity=12.5,
        orderType="TRAIL",
        lmtPrice=1.25,
        auxPrice=2.25,
        trailStopPrice=3.25,
        trailingPercent=4.25,
        tif="GTD",
        goodTillDate="20261122 13:30:00 UTC",
        ocaGroup="group",
        ocaType=2,
        account="DU1234567",
        orderRef="nb-1",
        transmit=False,
        parentId=6,
        outsideRth=True,
        hidden=True,
        whatIf=True,
        allOrNone=True,
        minQty=3,
        cashQty=5.25,
        algoStrategy="Adaptive",
        algoParams=[library.contract.TagValue("adaptivePriority", "Urgent")],
    )
    assert placed(version, order).form == OrderForm(
        action="SELL",
        quantity=Decimal("12.5"),
        order_type="TRAIL",
        limit_price=Decimal("1.25"),
        aux_price=Decimal("2.25"),
        trail_stop_price=Decimal("3.25"),
        trailing_percent=Decimal("4.25"),
        tif="GTD",
        good_till_date="20261122 13:30:00 UTC",
        oca_group="group",
        oca_type=2,
        account="DU1234567",
        order_ref="nb-1",
        transmit=False,
        parent_id=6,
        outside_hours=True,
        hidden=True,
        what_if=True,
        all_or_none=True,
        min_quantity=Decimal(3),
        cash_quantity=Decimal("5.25"),
        algo_strategy="Adaptive",
    )


def changed(name):
    default = getattr(library.order.Order(), name)
    return {str: "x", bool: not default, int: 5, float: 0.5}[type(default)]


@pytest.mark.parametrize("name", FIELDS["unsupported"])
def test_a_field_that_is_not_modelled_is_named(name):
    for version in VERSIONS:
        is_sent = SINCE.get(name, 0) <= version and not (name == "faProfile" and version >= 177)
        order = library.order.Order(
            orderType="VOL",
            **({name: changed(name)} if name != "adjustedOrderType" else {name: "STP"}),
        )
        assert placed(version, order).form.unsupported == ((name,) if is_sent else ())


@pytest.mark.parametrize("name", FIELDS["without effect on how it trades"])
def test_a_field_without_effect_changes_nothing(name):
    for version in VERSIONS:
        assert placed(version, limit(**{name: changed(name)})).form == PLAIN


@pytest.mark.parametrize("word", ["None", "?", ""])
def test_the_words_for_nothing_are_no_order_type(word):
    """TWS tells orders so, and a client that changes an order sends back what it was told."""
    for version in VERSIONS:
        order = limit(deltaNeutralOrderType=word, adjustedOrderType=word, deltaNeutralOpenClose="?")
        assert placed(version, order).form == PLAIN


@pytest.mark.parametrize("version", VERSIONS)
def test_the_longest_order_is_read_to_its_last_field(version):
    order = library.order.Order(
        action="BUY",
        totalQuantity=1,
        orderType="PEG BENCH",
        orderComboLegs=[library.order.OrderComboLeg(1.5), library.order.OrderComboLeg()],
        smartComboRoutingParams=[library.contract.TagValue("NonGuaranteed", "1")],
        deltaNeutralOrderType="MKT",
        deltaNeutralConId=1,
        scalePriceIncrement=0.05,
        hedgeType="D",
        hedgeParam="x",
        algoStrategy="Vwap",
        algoParams=[
            library.contract.TagValue("maxPctVol", "0.1"),
            library.contract.TagValue("noTakeLiq", "1"),
        ],
        orderMiscOptions=[library.contract.TagValue("a", "b")],
        conditions=[
            library.order.PriceCondition(price=1.5, conId=265598, exch="SMART"),
            library.order.TimeCondition(time="20261122 13:30:00"),
            library.order.MarginCondition(percent=5).Or(),
            library.order.ExecutionCondition(secType="STK", exch="SMART", symbol="AAPL"),
            library.order.VolumeCondition(volume=100, conId=265598, exch="SMART"),
            library.order.PercentChangeCondition(changePercent=1.5, conId=1, exch="SMART"),
        ],
        conditionsCancelOrder=True,
        orderRef="nb-1",
    )
    contract = library.contract.Contract(
        secType="BAG",
        comboLegs=[library.contract.ComboLeg(265598, 1, "BUY", "SMART") for _ in range(3)],
        deltaNeutralContract=library.contract.DeltaNeutralContract(1, 0.5, 99.5),
    )
    form = placed(version, order, contract).form
    assert (form.combo_legs, form.conditions, form.algo_strategy) == (3, 6, "Vwap")
    assert (form.order_type, form.order_ref) == ("PEG BENCH", "nb-1")
    assert form.unsupported == (
        "deltaNeutralOrderType",
        "deltaNeutralConId",
        "scalePriceIncrement",
        "hedgeType",
        "hedgeParam",
        "deltaNeutralContractId",
        "deltaNeutralContractDelta",
        "deltaNeutralContractPrice",
    )


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "pegged",
    [
        {"orderType": "PEG MID", "midOffsetAtWhole": 0.5, "midOffsetAtHalf": 0.25},
        {"orderType": "PEG BEST", "minCompeteSize": 100, "competeAgainstBestOffset": 0.02},
        {"orderType": "PEG BEST", "competeAgainstBestOffset": math.inf, "midOffsetAtHalf": 0.5},
        {"orderType": "LMT"},
    ],
)
def test_pegged_orders_to_an_ats_are_read_to_their_last_field(version, pegged):
    contract = library.contract.Stock("AAPL", "IBKRATS", "USD")
    order = library.order.Order(action="BUY", minTradeQty=10, **pegged)
    form = placed(version, order, contract).form
    assert form.order_type == pegged["orderType"]
    assert form.unsupported == (("minTradeQty",) if version >= 170 else ())


def test_numbers_are_taken_as_they_were_written():
    assert placed(157, limit(auxPrice=0.1 + 0.2)).form.aux_price == Decimal("0.30000000000000004")
    assert placed(157, limit(auxPrice=1e-05)).form.aux_price == Decimal("0.00001")
    order = limit(auxPrice=Decimal("1E-8"))
    order.totalQuantity = Decimal("0.00000001")
    form = placed(157, order).form
    assert (form.aux_price, form.quantity) == (Decimal("1E-8"), Decimal("1E-8"))


def test_an_amount_of_money_of_0_is_none():
    """TWS tells an order of a number of shares so, and a client sends it back."""
    assert placed(157, limit(cashQty=0.0)).form == PLAIN


@pytest.mark.parametrize("price", [math.nan, math.inf, -math.inf, 1e300, 1e-300, "1,5", "one"])
def test_an_order_at_a_price_that_is_none_is_a_wire_error_with_its_number(price):
    with pytest.raises(WireError) as caught:
        placed(157, library.order.LimitOrder("BUY", 100, price))
    assert caught.value.request_id == 7


def test_a_text_with_a_nul_inside_moves_no_field_to_another_place():
    fields = sent(157, lambda client: client.placeOrder(7, STOCK, limit(orderRef="a\0b")))
    with pytest.raises(WireError):
        parse(fields, 157)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_order_cut_or_lengthened_anywhere_is_a_wire_error(version):
    fields = sent(version, lambda client: client.placeOrder(7, STOCK, limit(orderRef="nb-1")))
    for broken in [*(fields[:end] for end in range(len(fields))), [*fields, ""]]:
        with pytest.raises(WireError):
            parse(broken, version)


@given(st.data(), st.sampled_from(VERSIONS))
def test_an_order_of_another_version_is_refused_where_its_layout_is_another(data, version):
    """Layouts change at these versions; between them they are the same."""
    other = data.draw(st.sampled_from(VERSIONS))
    fields = sent(version, lambda client: client.placeOrder(7, STOCK, limit()))
    layout = [sum(at <= v for at in (158, 160, 162, 166, 169, 177)) for v in (version, other)]
    if layout[0] == layout[1]:
        assert parse(fields, other).form == PLAIN
    else:
        with pytest.raises(WireError):
            parse(fields, other)


@given(st.data(), st.sampled_from(VERSIONS))
def test_an_order_with_bytes_changed_is_an_order_or_a_wire_error(data, version):
    payload = bytearray(encode(sent(version, lambda client: client.placeOrder(7, STOCK, limit()))))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(4, len(payload) - 1))
        payload[at] = data.draw(st.integers(0, 255))
    with suppress(WireError):
        parse(decode(bytes(payload[4:])), version)


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
NUMBER = st.one_of(
    st.just(library.order.UNSET_DOUBLE),
    st.floats(-1e15, 1e15).filter(lambda x: x == 0 or abs(x) > 1e-20),
    st.decimals(-(10**12), 10**12, places=8),
)
KINDS = {
    str: TEXT,
    bool: st.booleans(),
    int: st.integers(-(2**31) + 1, 2**31 - 1),
    float: NUMBER,
}
SET = sorted(
    {*FIELDS["in the form"], *FIELDS["without effect on how it trades"], *FIELDS["unsupported"]}
)
ORDERS = st.fixed_dictionaries(
    {}, optional={name: KINDS[type(getattr(library.order.Order(), name))] for name in SET}
)
FORM = {
    "account": "account",
    "action": "action",
    "allOrNone": "all_or_none",
    "auxPrice": "aux_price",
    "cashQty": "cash_quantity",
    "goodTillDate": "good_till_date",
    "hidden": "hidden",
    "lmtPrice": "limit_price",
    "minQty": "min_quantity",
    "ocaGroup": "oca_group",
    "ocaType": "oca_type",
    "orderRef": "order_ref",
    "orderType": "order_type",
    "outsideRth": "outside_hours",
    "parentId": "parent_id",
    "tif": "tif",
    "totalQuantity": "quantity",
    "trailStopPrice": "trail_stop_price",
    "trailingPercent": "trailing_percent",
    "transmit": "transmit",
    "whatIf": "what_if",
}
EMPTY = OrderForm(action="", quantity=Decimal(0), order_type="")


def expected(order):
    """The form of what was set, told by the values alone."""
    form = {}
    for name, value in order.items():
        left_out = value in UNSET or (name in ("tif", "cashQty") and not value)
        if name in FORM and not left_out:
            exact = Decimal(str(value)) if name == "minQty" or _is_number(name) else value
            form[FORM[name]] = exact
    return evolve(EMPTY, **form)


def _is_number(name):
    return isinstance(getattr(library.order.Order(), name), float)


@given(ORDERS, st.sampled_from(VERSIONS))
def test_whatever_is_set_arrives_and_nothing_else_does(values, version):
    order = library.order.Order(**values)
    form = placed(version, order).form
    assert evolve(form, unsupported=()) == expected(values)
    defaults = library.order.Order()
    nothing = ("", "None", "?", 0, False, *UNSET)
    names = {
        name
        for name, value in values.items()
        if name in FIELDS["unsupported"]
        and value not in nothing
        and value != getattr(defaults, name)
        and version >= SINCE.get(name, 0)
        and not (name == "faProfile" and version >= 177)
        and not (name == "volatility" and order.volatility is None)
    }
    assert set(form.unsupported) == names
