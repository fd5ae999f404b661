"""Compare the compiled engine's batches with the reference engine's calls, as fast as that goes.

    python tests/lob/run_batches.py --requests 100e6 --processes 2

Every row's answer and, after each batch, the trades and the hash of the state must be equal. Ids
are drawn from those that live when a batch begins, so many are dead when their row runs. Needs the
compiled engine; run_differential.py is slower and looks closer, at any engine.
"""
# ruff: noqa: T201 - it prints

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import NamedTuple

import numpy as np

from nanobook_core.contracts.engine import ROW_ERROR, ROW_STATUS
from nanobook_core.lob.ops import make_ops
from nanobook_core.lob.reference import Exchange as Reference
from nanobook_core.types import OrderStatus, Side, StpPolicy, TimeInForce, TrailMethod

ROWS = 200
BATCHES = 50
EXTREMES = [1, 2**31, 2**53, 2**62, 2**63 - 1]
SIDES, TIFS, POLICIES = tuple(Side), tuple(TimeInForce), tuple(StpPolicy)
TRAILS = ("fixed", "percentage", "atr")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=float, default=1e6, help="how many, such as 100e6")
    parser.add_argument("--seed", type=int, default=1, help="number of the first stream")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + max(1, round(options.requests / ROWS / BATCHES)))
    counts, started, shown_at = Counter(), time.monotonic(), 0.0
    with ProcessPoolExecutor(options.processes) as pool:
        for done in as_completed([pool.submit(run_stream, seed) for seed in seeds]):
            counts += done.result()
            if time.monotonic() - shown_at > 10:
                shown_at = time.monotonic()
                rate = counts["requests"] / (shown_at - started)
                print(f"{counts['requests']:>14,} requests, {rate:,.0f} a second", flush=True)
    for name, count in counts.most_common():
        print(f"{count:>14,} {name}")
    print(f"{time.monotonic() - started:,.0f} s; streams {seeds.start} to {seeds.stop - 1}")
    print("no divergence")


def run_stream(seed):
    """Run one stream of batches on both engines; what was in it, by name."""
    from nanobook_native.engine import Exchange as Native

    rng = np.random.default_rng(seed)
    features = {name: rng.random() < share for name, share in FEATURES.items()}
    trigger = "last" if features["last"] else "every"
    native, reference = Native(stop_trigger=trigger), Reference(stop_trigger=trigger)
    counts = Counter(
        streams=1, **{f"streams with {name}": 1 for name in features if features[name]}
    )
    for batch in range(BATCHES):
        ops = drawn(rng, features, native.state())
        found = native.apply(ops)
        columns = (getattr(found, name).tolist() for name in ANSWER)
        pairs = zip(zip(*columns, strict=True), answers(reference, ops), strict=True)
        for row, (mine, answer) in enumerate(pairs):
            if mine != answer:
                sys.exit(f"stream {seed}, batch {batch}, row {row}: {mine} != {answer}: {ops[row]}")
        if found.trades.tolist() != reference.trades_array().tolist():
            sys.exit(f"stream {seed}, batch {batch}: the trades differ")
        reference.clear_trades()
        if native.state_hash() != reference.state_hash():
            sys.exit(f"stream {seed}, batch {batch}: the states differ")
        if features["housekeeping"]:
            keep_house(rng, native, reference)
        count(counts, ops, found)
    return counts


FEATURES = {
    "extremes": 0.3,
    "housekeeping": 0.5,
    "last": 0.2,
    "negative prices": 0.3,
    "self-trade prevention": 0.25,
    "stops": 0.7,
}
NEW, PARTIALLY_FILLED, FILLED, CANCELLED, _, _, REJECTED = range(7)
SUBMITS, MODIFY, CANCEL_ALL = (0, 1, 4, 5, 6, 7), 3, 9
ANSWER = ("status", "error", "order_id", "filled", "cancelled")


def drawn(rng, features, state):
    """A batch of few prices, few sizes and ids that live or lived."""
    stops = 0.04 if features["stops"] else 0.0
    weights = np.array([0.52, 0.04, 0.14, 0.09, stops, stops, stops, stops, 0.06, 0.003])
    op = rng.choice(10, ROWS, p=weights / weights.sum())
    centre = -2 if features["negative prices"] else 100
    size = rng.choice([1, 5, 10], ROWS)
    if features["extremes"]:
        size = np.where(rng.random(ROWS) < 0.02, rng.choice(EXTREMES, ROWS), size)
    living = np.array([item.id for item in (*state.orders, *state.stops)] or [0])
    lived = np.maximum(0, state.next_order_id - rng.integers(-3, 60, ROWS))
    owner = np.where(features["self-trade prevention"], rng.integers(-1, 3, ROWS), -1)
    trail = rng.integers(0, 3, ROWS)
    return make_ops(
        op=op,
        side=np.where(op == 9, rng.integers(0, 3, ROWS), rng.integers(0, 2, ROWS)),
        tif=np.where(
            op == 0, rng.choice(4, ROWS, p=[0.7, 0.1, 0.1, 0.1]), rng.integers(0, 3, ROWS)
        ),
        trail=trail,
        stp=np.where(owner >= 0, rng.integers(0, 5, ROWS), 0),
        price=centre + rng.integers(-3, 4, ROWS),
        stop_price=centre + rng.integers(-5, 6, ROWS),
        quantity=size,
        order_id=np.where(rng.random(ROWS) < 0.7, rng.choice(living, ROWS), lived),
        owner=owner,
        trail_value=np.where(trail == 0, rng.integers(1, 4, ROWS), rng.random(ROWS) * 2 + 0.01),
        atr_period=rng.integers(1, 20, ROWS),
    )


class Row(NamedTuple):
    """A row of a batch, read as calls want it."""

    op: int
    side: int
    tif: int
    trail: int
    stp: int
    price: int
    stop_price: int
    quantity: int
    order_id: int
    owner: int
    trail_value: float
    atr_period: int
    symbol: int

    @property
    def own(self):
        return {} if self.owner < 0 else {"owner": self.owner, "stp_policy": POLICIES[self.stp]}

    @property
    def method(self):
        period = self.atr_period if self.trail == 2 else None
        return TrailMethod.parse(TRAILS[self.trail], self.trail_value, period)


def limit(exchange, row):
    tif, post_only = TIFS[row.tif % 3], row.tif == 3
    side = SIDES[row.side]
    return exchange.submit_limit(side, row.price, row.quantity, tif, post_only=post_only, **row.own)


def trailing_limit(exchange, row):
    return exchange.submit_trailing_stop_limit(
        SIDES[row.side],
        row.stop_price,
        row.price,
        row.quantity,
        row.method,
        tif=TIFS[row.tif],
        **row.own,
    )


CALLS = (
    limit,
    lambda exchange, row: exchange.submit_market(SIDES[row.side], row.quantity, **row.own),
    lambda exchange, row: exchange.cancel(row.order_id),
    lambda exchange, row: exchange.modify(row.order_id, row.price, row.quantity),
    lambda exchange, row: exchange.submit_stop_market(
        SIDES[row.side], row.stop_price, row.quantity, **row.own
    ),
    lambda exchange, row: exchange.submit_stop_limit(
        SIDES[row.side], row.stop_price, row.price, row.quantity, TIFS[row.tif], **row.own
    ),
    lambda exchange, row: exchange.submit_trailing_stop_market(
        SIDES[row.side], row.stop_price, row.quantity, row.method, **row.own
    ),
    trailing_limit,
    lambda exchange, row: exchange.reduce(row.order_id, row.quantity),
    lambda exchange, row: exchange.cancel_all(
        None if row.owner < 0 else row.owner, None if row.side == 2 else SIDES[row.side]
    ),
)


def answers(exchange, ops):
    """What the calls of these rows answer, in the codes of `ApplyResult`."""
    for row in map(Row._make, ops.tolist()):
        try:
            answer = CALLS[row.op](exchange, row)
        except OverflowError:
            yield REJECTED, 4, row.order_id if row.op == MODIFY else 0, 0, 0
        else:
            yield in_codes(exchange, row, answer)


def in_codes(exchange, row, answer):
    if row.op in SUBMITS:
        filled = getattr(answer, "filled_quantity", 0)
        cancelled = getattr(answer, "cancelled_quantity", 0)
        return ROW_STATUS.index(answer.status), 0, answer.order_id, filled, cancelled
    if row.op == CANCEL_ALL:
        return CANCELLED, 0, 0, 0, min(answer.cancelled_quantity, 2**63 - 1)
    if not answer.success:
        return REJECTED, ROW_ERROR.index(answer.error), row.order_id, 0, 0
    order_id = answer.new_order_id if row.op == MODIFY else row.order_id
    order = exchange.get_order(order_id)
    filled = sum(trade.quantity for trade in getattr(answer, "trades", ()))
    status = CANCELLED
    if row.op == MODIFY and filled:
        status = FILLED if filled == order.original_quantity else PARTIALLY_FILLED
    elif order is not None and order.is_active:
        status = ROW_STATUS.index(OrderStatus(order.status))
    return status, 0, order_id, filled, answer.cancelled_quantity


def keep_house(rng, native, reference):
    """Forget and give back, at times; neither may change what comes next."""
    for name in ("clear_trades", "clear_order_history", "compact"):
        if rng.random() < 0.1 and getattr(native, name)() != getattr(reference, name)():
            sys.exit(f"{name} answers otherwise")


def count(counts, ops, found):
    counts["requests"] += len(ops)
    counts["trades"] += len(found.trades)
    counts["rejected"] += int((found.status == REJECTED).sum())
    takers = np.repeat(found.order_id, np.diff(found.trade_offsets))
    counts["trades of stops"] += int((found.trades["aggressor_order_id"] != takers).sum())


if __name__ == "__main__":
    main()
