"""JSON and pickle of every public record: there and back, and nothing that is not what it says."""

import copy
import json
import pickle
from random import Random

import attrs
import pytest

import nanobook
from nanobook_core import contracts, types
from nanobook_core.errors import ValidationError
from nanobook_core.lob import Exchange
from nanobook_core.lob.ops import make_ops
from nanobook_core.lob.record_json import from_json, to_json
from nanobook_core.portfolio import CostModel, Metrics, Portfolio, Position
from nanobook_core.testing.request import Requests, some_features

MAX = 2**63 - 1


def records(new_exchange, seed):
    """Whatever an exchange hands out in the course of some requests."""
    random = Random(seed)  # noqa: S311 - draws requests, keeps no secrets
    requests = Requests(random, some_features(random) | {"modify", "stops", "trailing"} - {"odd"})
    exchange = new_exchange(stop_trigger=requests.stop_trigger)
    for number in range(150):
        request = requests.next()
        answer = request.on(exchange)
        requests.note(request, answer)
        if attrs.has(type(answer)) or not isinstance(answer, (type, int, type(None))):
            yield answer
        for order_id in (number, number // 2):
            yield from filter(
                None, (exchange.get_order(order_id), exchange.get_stop_order(order_id))
            )
    yield from exchange.trades()
    yield from exchange.events()
    yield exchange.state()
    yield exchange.depth(3)
    yield exchange.full_book()
    yield from exchange.full_book().bids


@pytest.mark.parametrize("seed", range(6))
def test_every_record_comes_back_as_it_was(new_exchange, seed):
    kinds = set()
    for record in records(new_exchange, seed):
        kinds.add(next(kind for kind in RECORDS if isinstance(record, kind)))
        text = to_json(record)
        again = from_json(type(record), text)
        assert again == record
        assert repr(again) == repr(record)
        assert to_json(again) == text
        for other in (pickled(record), copy.deepcopy(record)):
            assert other == record
            assert to_json(other) == text
    assert len(kinds) >= 9


def pickled(record):
    return pickle.loads(pickle.dumps(record))  # noqa: S301 - our own


RECORDS = [
    contracts.BookSnapshot,
    contracts.CancelAllResult,
    contracts.CancelResult,
    contracts.EngineState,
    contracts.Event,
    contracts.LevelSnapshot,
    contracts.ModifyResult,
    contracts.Order,
    contracts.StopOrder,
    contracts.StopSubmitResult,
    contracts.SubmitResult,
    contracts.Trade,
]
TRADE = contracts.Trade(7, -5, 2, types.Side.SELL, 3, 1, 9)
ORDER = contracts.Order(
    id=1,
    side=types.Side.BUY,
    price=MAX,
    original_quantity=5,
    remaining_quantity=1,
    filled_quantity=2,
    cancelled_quantity=2,
    status="partiallyfilled",
    time_in_force=types.TimeInForce.GTC,
    timestamp=1,
    owner=0,
    stp_policy=types.StpPolicy.CANCEL_BOTH,
)
TRADE_JSON = (
    '{"trade_id":7,"price":-5,"quantity":2,"aggressor_side":"sell","aggressor_order_id":3,'
    '"passive_order_id":1,"timestamp":9}'
)
ORDER_JSON = (
    '{"id":1,"side":"buy","price":9223372036854775807,"original_quantity":5,'
    '"remaining_quantity":1,"filled_quantity":2,"cancelled_quantity":2,"status":"partiallyfilled",'
    '"time_in_force":"gtc","timestamp":1,"owner":0,"stp_policy":"cancel_both"}'
)
SPELLINGS = [
    (TRADE, TRADE_JSON),
    (ORDER, ORDER_JSON),
    (
        contracts.SubmitResult(3, types.OrderStatus.PARTIALLY_FILLED, (TRADE,), 2, 0, 1),
        (
            f'{{"order_id":3,"status":"PartiallyFilled","trades":[{TRADE_JSON}],'
            '"filled_quantity":2,"resting_quantity":0,"cancelled_quantity":1}'
        ),
    ),
    (
        contracts.CancelResult(success=False, error="OrderNotFound"),
        '{"success":false,"cancelled_quantity":0,"error":"OrderNotFound"}',
    ),
    (
        contracts.ModifyResult(success=True, old_order_id=1, new_order_id=2),
        (
            '{"success":true,"old_order_id":1,"new_order_id":2,"cancelled_quantity":0,'
            '"trades":[],"error":null}'
        ),
    ),
    (
        contracts.CancelAllResult((1, 2), 2**64),
        '{"order_ids":[1,2],"cancelled_quantity":18446744073709551616}',
    ),
    (
        contracts.StopSubmitResult(4, types.StopStatus.TRIGGERED),
        '{"order_id":4,"status":"Triggered"}',
    ),
    (
        contracts.BookSnapshot([contracts.LevelSnapshot(5, 1, 1, (ORDER,))], [], 3),
        (
            f'{{"bids":[{{"price":5,"quantity":1,"order_count":1,"orders":[{ORDER_JSON}]}}],'
            '"asks":[],"timestamp":3}'
        ),
    ),
    (
        contracts.Event(contracts.EventKind.CANCEL, order_id=5),
        '{"Cancel":{"order_id":5}}',
    ),
    (types.TrailMethod.fixed(2**53), '{"Fixed":9007199254740992}'),
    (types.TrailMethod.percentage(0.05), '{"Percentage":0.05}'),
    (types.TrailMethod.atr(2.0, 14), '{"Atr":{"multiplier":2.0,"period":14}}'),
    (types.Price(100_50), "10050"),
    (types.OrderId(42), "42"),
    (types.TradeId(7), "7"),
    (types.Symbol("GOOG"), '"GOOG"'),
    (types.Side.BUY, '"buy"'),
    (types.TimeInForce.FOK, '"fok"'),
    (types.OrderStatus.PARTIALLY_FILLED, '"PartiallyFilled"'),
    (types.StopStatus.PENDING, '"Pending"'),
    (types.StpPolicy.DECREMENT_AND_CANCEL, '"decrement_and_cancel"'),
    (types.StopTrigger.LAST, '"last"'),
    (contracts.EventKind.SUBMIT_LIMIT, '"submit_limit"'),
    (
        CostModel(commission_bps=10, slippage_bps=5, min_trade_fee=100),
        '{"commission_bps":10,"slippage_bps":5,"min_trade_fee":100}',
    ),
]


@pytest.mark.parametrize(("record", "text"), SPELLINGS, ids=lambda value: type(value).__name__)
def test_how_a_record_is_spelt(record, text):
    assert to_json(record) == text
    again = from_json(type(record), text)
    assert again == record
    assert type(again) is type(record)
    assert pickled(record) == record
    assert from_json(type(record), json.dumps(json.loads(text), indent=4)) == record


def test_an_engines_own_records_are_spelt_as_those_of_the_core(exchange):
    exchange.submit_limit("sell", 100, 5)
    result = exchange.submit_limit("buy", 100, 2)
    reference = Exchange.replay(exchange.events())
    assert to_json(result.trades[0]) == to_json(reference.trades()[0])
    assert to_json(exchange.full_book()) == to_json(reference.full_book())
    assert to_json(exchange.state()) == to_json(reference.state())
    core = from_json(type(result), to_json(result))
    assert type(core) is contracts.SubmitResult
    assert core == result


def test_a_stop_and_a_state_come_back_whole(exchange):
    exchange.submit_limit("sell", 100, 5)
    exchange.submit_limit("buy", 100, 2, owner=3)
    exchange.submit_trailing_stop_limit("sell", 90, 89, 3, "atr", 2.5, "fok", 14, owner=3)
    stop = exchange.get_stop_order(3)
    assert to_json(stop) == (
        '{"id":3,"side":"sell","stop_price":90,"limit_price":89,"quantity":3,"status":"pending",'
        '"timestamp":4,"time_in_force":"fok","trail_method":{"Atr":{"multiplier":2.5,"period":14}},'
        '"watermark":null,"child_order_id":null,"owner":3,"stp_policy":"off"}'
    )
    state = from_json(contracts.EngineState, to_json(exchange.state()))
    assert type(exchange).from_state(state).state_hash() == exchange.state_hash()


def test_positions_come_back_with_what_they_have_earned():
    position = Position("AAPL")
    position.apply_fill(100, 150_00)
    position.apply_fill(-50, 160_00)
    text = to_json(position)
    assert text == (
        '{"symbol":"AAPL","quantity":50,"avg_entry_price":15000,"realized_pnl":50000,'
        '"total_cost":750000}'
    )
    assert from_json(Position, text) == position


def test_the_facade_has_both():
    assert nanobook.from_json(nanobook.Side, nanobook.to_json(nanobook.Side.BUY)) is types.Side.BUY


def changed(record, **fields):
    return json.dumps(json.loads(to_json(record)) | fields)


REFUSED = [
    (contracts.Trade, "{}", "required field missing @ Trade.trade_id; required field missing @"),
    (contracts.Trade, "[]", "Trade is an object with its fields, got [] (list)"),
    (contracts.Trade, "", "Trade is JSON, got '': Expecting value"),
    (contracts.Trade, "{", "Trade is JSON, got '{'"),
    (contracts.Trade, TRADE_JSON + TRADE_JSON, "Extra data"),
    (contracts.Trade, "[" * 100_000, "Trade is JSON, got '[[[["),
    (contracts.Trade, changed(TRADE, price="5"), "int is expected, got '5' (str) @ Trade.price"),
    (contracts.Trade, changed(TRADE, price=5.0), "int is expected, got 5.0 (float) @ Trade.price"),
    (contracts.Trade, changed(TRADE, price=True), "int is expected, got True (bool) @ Trade.price"),
    (contracts.Trade, changed(TRADE, price=None), "int is expected, got None (NoneType) @"),
    (contracts.Trade, changed(TRADE, price=[5]), "int is expected, got [5] (list) @ Trade.price"),
    (contracts.Trade, changed(TRADE, price=float("nan")), "NaN is no JSON number"),
    (contracts.Trade, changed(TRADE, price=float("inf")), "Infinity is no JSON number"),
    (contracts.Trade, TRADE_JSON.replace("-5", "9" * 5000), "Trade is JSON, got "),
    (contracts.Trade, changed(TRADE, aggressor_side="up"), "Invalid side 'up'. Use 'buy' or 'sell"),
    (
        contracts.Trade,
        changed(TRADE, aggressor_side=0),
        "side is a string, got 0 (int) @ Trade.agg",
    ),
    (contracts.Trade, changed(TRADE, venue="X"), "extra fields found (venue) @ Trade"),
    (contracts.Order, changed(ORDER, owner="3"), "@ Order.owner"),
    (contracts.Order, changed(ORDER, status=5), "str is expected, got 5 (int) @ Order.status"),
    (contracts.Order, changed(ORDER, stp_policy="on"), "Invalid StpPolicy 'on'"),
    (
        contracts.CancelResult,
        '{"success":1,"cancelled_quantity":0,"error":null}',
        "bool is expected, got 1 (int) @ CancelResult.success",
    ),
    (
        contracts.BookSnapshot,
        '{"bids":{},"asks":"","timestamp":0}',
        "a list is expected, got {} (dict) @ BookSnapshot.bids; a list is expected, got '' (str)",
    ),
    (
        contracts.BookSnapshot,
        f'{{"bids":[{TRADE_JSON}],"asks":[],"timestamp":0}}',
        "required field missing @ BookSnapshot.bids.order_count",
    ),
    (contracts.Event, '{"Cancel":{"order_id":"5"}}', "Cancel: order_id is a whole number"),
    (types.TrailMethod, '{"Fixed":NaN}', "NaN is no JSON number"),
    (types.TrailMethod, '{"Percentage":1e400}', "trail_value is finite and above 0, got inf"),
    (types.TrailMethod, '{"Fixed":1,"Atr":2}', "trail_method is Fixed, Percentage or Atr"),
    (types.Price, "5.0", "int is expected, got 5.0 (float)"),
    (types.Price, "true", "int is expected, got True (bool)"),
    (types.OrderId, '"5"', "int is expected, got '5' (str)"),
    (types.Symbol, '"ABCDEFGHI"', "Symbol 'ABCDEFGHI' exceeds 8 bytes"),
    (types.Symbol, "5", "a symbol is a string of at most 8 bytes, got 5 (int)"),
    (types.Side, '"up"', "Invalid side 'up'"),
    (types.Side, "0", "side is a string, got 0 (int)"),
    (CostModel, changed(CostModel(), commission_bps=-1), "commission_bps must be from 0 to"),
    (Position, changed(Position("A"), symbol="ABCDEFGHI"), "exceeds 8 bytes"),
    (Position, changed(Position("A"), quantity=1.5), "int is expected, got 1.5 (float); got '{"),
    (Position, changed(Position("A"), lots=1), "extra fields found (lots); got"),
    (Position, '{"quantity":5}', "required field missing; got"),
]


@pytest.mark.parametrize(("cls", "text", "says"), REFUSED)
def test_what_a_record_does_not_say_is_not_read_into_it(cls, text, says):
    with pytest.raises(ValidationError) as caught:
        from_json(cls, text)
    assert says in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("value", [5, "buy", None, [TRADE], {"price": 5}, Exchange(), object()])
def test_what_is_no_record_has_no_json(value):
    with pytest.raises(TypeError, match=r"there is no JSON of \w+, only of records and words"):
        to_json(value)
    with pytest.raises(TypeError, match=r"there is no JSON of \w+, only of records and words"):
        from_json(type(value), "5")


def test_arrays_and_infinities_have_no_json(exchange):
    with pytest.raises(TypeError, match="there is no JSON of ApplyResult"):
        to_json(exchange.apply(make_ops(op="cancel", order_id=1)))
    portfolio = Portfolio(1000, CostModel())
    portfolio.record_return([])
    metrics = portfolio.compute_metrics(252.0, 0.0)
    text = to_json(metrics)
    assert from_json(Metrics, text) == metrics
    with pytest.raises(ValidationError, match=r"a finite number is expected, got inf"):
        from_json(Metrics, text.replace('"sharpe":0.0', '"sharpe":1e400'))
    with pytest.raises(ValidationError, match="Metrics as JSON: Out of range float values"):
        to_json(attrs.evolve(metrics, profit_factor=float("inf")))
