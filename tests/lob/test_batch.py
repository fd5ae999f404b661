"""A batch, however it is cut, answers as the calls do; a malformed one does nothing."""

# ruff: noqa: S311 - streams that can be repeated, no secrets

from collections import Counter
from random import Random

import numpy as np
import pytest
from tests.lob.differential import compare_history, compare_state
from tests.lob.engines import ENGINES

from nanobook_core.contracts import CancelResult, ModifyResult, StopSubmitResult, SubmitResult
from nanobook_core.contracts.engine import ROW_ERROR, ROW_STATUS
from nanobook_core.testing.request import Requests, as_ops, some_features

LARGEST = 2**63 - 1

#: Fields that an op uses, with values that no request may have there.
FAULTS = {
    "op": (("submit_limit", "cancel"), (10, 255)),
    "side": (("submit_limit", "submit_stop_limit", "submit_trailing_stop_market"), (2, 255)),
    "tif": (("submit_stop_limit", "submit_trailing_stop_limit"), (3, 255)),
    "trail": (("submit_trailing_stop_market",), (3, 255)),
    "stp": (("submit_market", "submit_stop_market"), (5, 255)),
    "price": (("submit_limit", "modify", "submit_stop_limit"), (-(2**63),)),
    "stop_price": (("submit_stop_market", "submit_trailing_stop_limit"), (-(2**63),)),
    "quantity": (("submit_limit", "submit_market", "reduce"), (0, -1, -(2**63))),
    "order_id": (("cancel", "modify", "reduce"), (-1, -(2**63))),
    "owner": (("submit_limit", "submit_stop_market", "cancel_all"), (-2, 2**32)),
    "trail_value": (
        ("submit_trailing_stop_market", "submit_trailing_stop_limit"),
        (0.0, -1.0, float("nan"), float("inf")),
    ),
}


def fits(request):
    """Whether every number fits into its column; a batch cannot even say the others."""
    numbers = [argument for argument in request.arguments if isinstance(argument, int)]
    return all(-LARGEST <= number <= LARGEST for number in numbers)


def run_calls(exchange, seed, length):
    """Ask one by one; the requests and what each comes to as a row of a batch."""
    random = Random(seed)
    features = some_features(random) - {"odd", "housekeeping"}
    requests = Requests(random, features)
    asked, rows = [], []
    while len(asked) < length:
        request = requests.next()
        if fits(request):
            n_trades = exchange.trade_count()
            answer = request.on(exchange)
            requests.note(request, answer)
            asked.append(request)
            rows.append((*row_of(exchange, request, answer), exchange.trade_count() - n_trades))
            if len(asked) % 32 == 0:
                requests.refresh(exchange.state())
    return asked, rows


def row_of(exchange, request, answer):
    """Status, error, id, filled, open, cancelled: what the page on batches says of the answer."""
    named = 0 if request.method.startswith(("submit", "cancel_all")) else request.arguments[0]
    if isinstance(answer, SubmitResult):
        status, error, order_id = answer.status, None, answer.order_id
        filled, cancelled = answer.filled_quantity, answer.cancelled_quantity
    elif isinstance(answer, StopSubmitResult):
        status, error, order_id, filled, cancelled = answer.status, None, answer.order_id, 0, 0
    else:
        error = "LevelOverflow" if isinstance(answer, type) else getattr(answer, "error", None)
        order_id = getattr(answer, "new_order_id", None) or named
        filled = sum(trade.quantity for trade in getattr(answer, "trades", ()))
        cancelled = 0 if error else min(answer.cancelled_quantity, LARGEST)
        status = "Rejected" if error else status_of(exchange, request, answer)
    order = exchange.get_order(order_id)
    left = order.remaining_quantity if order else 0
    return ROW_STATUS.index(status), ROW_ERROR.index(error), order_id, filled, left, cancelled


def status_of(exchange, request, answer):
    """Of a replacement as its own matching left it; else of what the request named."""
    if isinstance(answer, ModifyResult):
        filled, quantity = sum(trade.quantity for trade in answer.trades), request.arguments[2]
        if filled == quantity:
            return "Filled"
        order = exchange.get_order(answer.new_order_id)
        untouched = order.status == "new" or order.filled_quantity
        return "PartiallyFilled" if filled else "New" if untouched else "Cancelled"
    if isinstance(answer, CancelResult) and request.method == "reduce":
        order = exchange.get_order(request.arguments[0])
        if order.is_active:
            return "PartiallyFilled" if order.filled_quantity else "New"
    return "Cancelled"


def run_batches(exchange, asked, random):
    """Run the same in parts; the rows of all their results."""
    ops, rows = as_ops(asked), []
    while len(ops):
        size = random.choice((1, 2, 7, 50, 400))
        result = exchange.apply(ops[:size])
        columns = [result.status, result.error, result.order_id, result.filled]
        columns += [result.resting, result.cancelled, np.diff(result.trade_offsets)]
        rows += zip(*(column.tolist() for column in columns), strict=True)
        assert len(result.trades) == result.trade_offsets[-1]
        ops = ops[size:]
    return rows


@pytest.mark.parametrize("calls", ENGINES.values(), ids=ENGINES)
def test_batches_answer_as_calls(engine, calls):
    met = Counter()
    for seed in range(40):
        random = Random(seed)
        trigger = random.choice(("every", "last"))
        one, other = calls(stop_trigger=trigger), engine(stop_trigger=trigger)
        asked, expected = run_calls(one, seed, 500)
        found = run_batches(other, asked, random)
        for request, row, expected_row in zip(asked, found, expected, strict=True):
            assert row == expected_row, request
        compare_state([one, other])
        compare_history([one, other])
        assert other.trades_array().tolist() == one.trades_array().tolist()
        met.update(ROW_ERROR[row[1]] for row in found)
    assert min(met[error] for error in ROW_ERROR) > 10


@pytest.mark.parametrize("field", FAULTS)
def test_a_malformed_row_stops_a_batch_before_it_starts(engine, field):
    kinds, values = FAULTS[field]
    random = Random(field)
    for seed in range(4):
        exchange = engine()
        asked, _ = run_calls(engine(), seed, 300)
        ops = as_ops(asked[100:])
        exchange.apply(as_ops(asked[:100]))
        before = (exchange.state(), exchange.trade_count(), len(exchange.events()))
        for value in values:
            fault, place = as_ops([sample(random.choice(kinds))]), random.randrange(len(ops) + 1)
            fault[field] = value
            with pytest.raises((ValueError, OverflowError), match=rf"row {place}:.*{field}"):
                exchange.apply(np.concatenate([ops[:place], fault, ops[place:]]))
            assert (exchange.state(), exchange.trade_count(), len(exchange.events())) == before


def sample(kind):
    """A sound request of that kind."""
    request = Requests(Random(0), frozenset()).make(kind)
    return request._replace(options={})
