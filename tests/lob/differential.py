"""Several exchanges answer the same requests; where they differ, the stream is made short."""

from __future__ import annotations

from collections import Counter
from random import Random
from time import monotonic

from nanobook_core.contracts import (
    CancelAllResult,
    CancelResult,
    ModifyResult,
    StopSubmitResult,
    SubmitResult,
)
from nanobook_core.testing.request import Requests, some_features
from nanobook_core.types import Side

EVERY = 32
#: Seconds that making a failure small may take.
PATIENCE = 60
NAMES_AN_ORDER = ("cancel", "modify", "reduce")


class DivergenceError(AssertionError):
    """Two exchanges that were asked the same are not the same."""


def run_stream(makers, seed, length, counts):
    """Compare answers at each of so many requests, and all that can be seen every so often.

    `makers` are called as `Exchange(stop_trigger=...)`; what happened is added to `counts`.

    Raises:
        DivergenceError: with the calls that show it, as few as could be found.

    """
    random = Random(seed)  # noqa: S311 - a stream that can be repeated, not a secret
    requests = Requests(random, some_features(random))
    exchanges = [make(stop_trigger=requests.stop_trigger) for make in makers]
    census = Census(counts)
    asked = []
    try:
        for number in range(1, length + 1):
            request = requests.next()
            asked.append(request)
            if request.method == "clear_order_history":
                census.count_prevented(exchanges[0])
            if request.method == "clear_trades":
                compare_trades(exchanges)
            answer = ask(exchanges, request)
            requests.note(request, answer)
            census.note(number, request, answer)
            if number % EVERY == 0:
                requests.refresh(compare_state(exchanges))
        compare_state(exchanges)
        compare_history(exchanges)
    except Exception as error:
        shown = shrunk(makers, requests.stop_trigger, asked)
        raise DivergenceError(f"seed {seed}, request {len(asked)}: {error}\n{shown}") from error
    census.count_prevented(exchanges[0])
    census.close(exchanges[0])


def ask(exchanges, request):
    """Compare the answers, and what shows at little cost what stops have done meanwhile."""
    answers = [
        (request.on(exchange), exchange.last_trade_price(), exchange.pending_stop_count())
        for exchange in exchanges
    ]
    for answer in answers[1:]:
        agree(request, answers[0], answer)
    return answers[0][0]


def agree(what, one, other):
    if one != other:
        raise DivergenceError(f"{what}\n  {one!r}\n  {other!r}")


def compare_state(exchanges):
    states = [exchange.state() for exchange in exchanges]
    for exchange, state in zip(exchanges, states, strict=True):
        agree("state()", states[0], state)
        agree("state_hash()", exchanges[0].state_hash(), exchange.state_hash())
        for query in ("best_bid_ask", "spread", "last_trade_price", "pending_stop_count", "depth"):
            agree(f"{query}()", getattr(exchanges[0], query)(), getattr(exchange, query)())
    return states[0]


def compare_trades(exchanges):
    trades = list(exchanges[0].trades())
    for exchange in exchanges[1:]:
        agree("trades()", trades, list(exchange.trades()))


def compare_history(exchanges):
    """Compare trades, log, and the orders and stops that were touched last."""
    first = exchanges[0]
    events, book = first.events(), first.full_book()
    newest = first.state().next_order_id
    compare_trades(exchanges)
    for exchange in exchanges[1:]:
        agree("events()", events, exchange.events())
        agree("full_book()", book, exchange.full_book())
        for order_id in range(max(0, newest - 200), newest + 1):
            for query in ("get_order", "get_stop_order"):
                one, other = (getattr(party, query)(order_id) for party in (first, exchange))
                agree(f"{query}({order_id})", one, other)


def difference(makers, stop_trigger, asked):
    """What differs first, answers and states being compared at each request; or None."""
    exchanges = [make(stop_trigger=stop_trigger) for make in makers]
    try:
        for request in asked:
            ask(exchanges, request)
            compare_state(exchanges)
        compare_history(exchanges)
    except DivergenceError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - an engine that breaks differs from one that does not
        return repr(error)
    return None


def shrunk(makers, stop_trigger, asked):
    """Return the calls that are left when parts without which they still differ are cut out."""
    found = difference(makers, stop_trigger, asked)
    if found is None:
        return "it does not happen again: something remembers earlier exchanges"
    size, until = len(asked), monotonic() + PATIENCE
    while size and monotonic() < until:
        before = len(asked)
        start = 0
        while start < len(asked) and monotonic() < until:
            fewer = cut(makers[0], stop_trigger, asked, start, start + size)
            less = difference(makers, stop_trigger, fewer)
            if less is None:
                start += size
            else:
                asked, found = fewer, less
        if size > 1 or len(asked) == before:
            size //= 2
    calls = [f"exchange = Exchange(stop_trigger={stop_trigger!r})", *map(str, asked)]
    return "\n".join([*calls, f"# {found}"])


def cut(maker, stop_trigger, asked, start, end):
    """Take requests out; those that stay name the orders that they named, by their new ids."""
    before, after = maker(stop_trigger=stop_trigger), maker(stop_trigger=stop_trigger)
    new_ids, left = {}, []
    for number, request in enumerate(asked):
        old_id = made_id(request.on(before))
        if not start <= number < end:
            left.append(renamed(request, before, after, new_ids))
            new_ids[old_id] = made_id(left[-1].on(after))
    return left


def renamed(request, before, after, new_ids):
    if request.method not in NAMES_AN_ORDER or type(request.arguments[0]) is not int:
        return request
    order_id, *rest = request.arguments
    new_id = new_ids.get(order_id)
    for stop_id in () if new_id else new_ids:
        stop = stop_id and before.get_stop_order(stop_id)
        if stop and stop.child_order_id == order_id:
            stop = after.get_stop_order(new_ids[stop_id])
            new_id = stop and stop.child_order_id
    return request._replace(arguments=(new_id or order_id, *rest))


def made_id(answer):
    if isinstance(answer, (SubmitResult, StopSubmitResult)):
        return answer.order_id
    return answer.new_order_id if isinstance(answer, ModifyResult) else None


class Census:
    """Counts what a stream met: a comparison proves nothing about what never happened."""

    def __init__(self, counts):
        self.counts = counts
        self.made = 0
        self.newest = 0
        self.rested = {}  # id: level, and the request with which it came
        self.hit = {}  # level: the last request that filled there
        self.taken_off = set()

    def note(self, number, request, answer):
        self.counts["requests"] += 1
        self.counts[request.method] += 1
        if isinstance(answer, type):
            self.counts[answer.__name__] += 1
        elif request.method in NAMES_AN_ORDER and answer.error is None:
            self.note_change(number, request, answer)
        elif isinstance(answer, CancelAllResult):
            self.taken_off.update(answer.order_ids)
        if isinstance(answer, (SubmitResult, ModifyResult)):
            for trade in answer.trades:
                self.hit[self.rested.get(trade.passive_order_id, (None,))[0]] = number
        if isinstance(answer, SubmitResult):
            side, price = request.arguments[:2]
            self.rested[answer.order_id] = ((Side(side), int(price)), number)
            if "post_only" in request.options:
                self.taken_off.add(answer.order_id)
        if made := made_id(answer):
            self.made += 1
            self.counts["cascades of 100 stops"] += made - self.newest > 100
            self.newest = made

    def note_change(self, number, request, answer):
        order_id = int(request.arguments[0])
        self.taken_off.add(order_id)
        level, since = self.rested.get(order_id, (None, number))
        if self.hit.get(level, 0) > since:
            self.counts["cancels behind a fill"] += isinstance(answer, CancelResult)
            self.counts["modifies behind a fill"] += isinstance(answer, ModifyResult)
        if isinstance(answer, ModifyResult) and level:
            self.rested[answer.new_order_id] = ((level[0], int(request.arguments[1])), number)

    def count_prevented(self, exchange):
        for order_id in range(1, exchange.state().next_order_id):
            order = exchange.get_order(order_id)
            self.counts["self-trades prevented"] += (
                order is not None
                and order.stp_policy != "off"
                and order.time_in_force == "gtc"
                and order.cancelled_quantity > 0
                and order_id not in self.taken_off
            )
            self.taken_off.add(order_id)

    def close(self, exchange):
        self.counts["streams"] += 1
        # Whatever id no request has made was a stop's order.
        self.counts["stops fired"] += exchange.state().next_order_id - 1 - self.made


def shown(counts):
    return "\n".join(f"{count:>12,} {what}" for what, count in counts.most_common())


def run_streams(makers, seeds, length):
    counts = Counter()
    for seed in seeds:
        run_stream(makers, seed, length, counts)
    return counts
