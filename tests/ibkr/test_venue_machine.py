"""Whatever the venue does in whatever order, the broker tells the truth of it."""

import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)
from tests.ibkr.fault_run import FaultRun
from tests.ibkr.judge import judge
from tests.ibkr.program import CLIENT_ID, SYMBOLS, TICK

from nanobook_core.contracts import BrokerError, BrokerOrder, ConnectionState
from nanobook_ibkr.simulator.fault import Fault

SYMBOL = st.sampled_from(SYMBOLS)
SIDE = st.sampled_from(["buy", "sell"])
QUANTITY = st.integers(1, 9)
TICKS = st.integers(-6, 6)
WHICH = st.integers(0, 20)
#: Those that change how messages come, and not what happens at the venue.
OF_MESSAGES = (
    Fault.DUPLICATE_MESSAGES,
    Fault.EXECUTION_BEFORE_STATUS,
    Fault.STATUS_REORDERED,
    Fault.SPLIT_FRAMES,
    Fault.MERGED_FRAMES,
    Fault.UNKNOWN_MESSAGE,
    Fault.INACTIVE_THEN_FILLED,
)
OF_THE_LINK = (Fault.DROP_BEFORE_ACCEPT, Fault.DROP_AFTER_ACCEPT, Fault.DROP_MID_FILL)


class VenueMachine(RuleBasedStateMachine):
    """Orders of a broker, of other clients and of people, and a market and a line that fail.

    The model is naive: of each order what the venue must have of it, and of each symbol the sum of
    what was traded.
    """

    refs = Bundle("refs")

    @initialize(bid=st.integers(100, 200))
    def open(self, bid):
        self.folder = tempfile.TemporaryDirectory()
        self.run = FaultRun(Path(self.folder.name), "machine")
        self.run.__enter__()
        for symbol in SYMBOLS:
            self.quote(symbol, Decimal(bid), 100, 100)

    def teardown(self):
        if not hasattr(self, "run"):
            return
        try:
            self.run.settle()
            violations = judge(self.run.evidence(fees_known=True))
            assert violations == [], violations
            traded = dict.fromkeys(SYMBOLS, Decimal(0))
            for each in self.run.truth().executions:
                sign = 1 if each.action == "BUY" else -1
                traded[each.contract.symbol] += sign * each.quantity
            assert self.run.truth().positions == {s: q for s, q in traded.items() if q}
        finally:
            self.run.__exit__()
            self.folder.cleanup()

    def quote(self, symbol, bid, bid_size, ask_size):
        self.run.quotes[symbol] = bid
        self.run.gateway.set_quote(
            symbol, bid, bid + 2 * TICK, bid_size=Decimal(bid_size), ask_size=Decimal(ask_size)
        )

    @rule(
        target=refs,
        symbol=SYMBOL,
        side=SIDE,
        quantity=QUANTITY,
        ticks=TICKS,
        tif=st.sampled_from(["day", "gtc", "ioc"]),
    )
    def submit(self, symbol, side, quantity, ticks, tif):
        ref = f"nb1-{len(self.run.orders) + 1}"
        limit = self.run.quotes[symbol] + TICK + ticks * TICK
        order = BrokerOrder(symbol, side, quantity, "limit", limit, tif=tif, client_order_id=ref)
        return self.submit_new(order)

    @rule(target=refs, symbol=SYMBOL, side=SIDE, quantity=QUANTITY)
    def submit_at_the_market(self, symbol, side, quantity):
        ref = f"nb1-{len(self.run.orders) + 1}"
        return self.submit_new(BrokerOrder(symbol, side, quantity, client_order_id=ref))

    def submit_new(self, order):
        self.run.orders[order.client_order_id] = order
        self.run.submit(order)
        return order.client_order_id

    @rule(ref=refs)
    def submit_again(self, ref):
        self.run.submit(self.run.orders[ref])

    @rule(ref=refs)
    def cancel(self, ref):
        self.run.cancel_order(ref)

    @rule(ref=refs, quantity=QUANTITY)
    def change_the_quantity(self, ref, quantity):
        self.run.replace(ref, quantity=Decimal(quantity))

    @rule(ref=refs, ticks=TICKS)
    def change_the_limit(self, ref, ticks):
        limit = self.run.orders[ref].limit_price
        if limit is not None:
            self.run.replace(ref, limit_price=limit + ticks * TICK)

    @rule(symbol=SYMBOL, ticks=TICKS, bid_size=QUANTITY, ask_size=QUANTITY)
    def market_moves(self, symbol, ticks, bid_size, ask_size):
        self.quote(symbol, self.run.quotes[symbol] + ticks * TICK, bid_size, ask_size)

    @rule(which=WHICH, quantity=QUANTITY)
    def somebody_trades(self, which, quantity):
        if resting := self.run.resting():
            order = resting[which % len(resting)]
            self.run.trade_with(order, min(quantity, int(order.remaining)))

    @rule(which=WHICH)
    def cancel_meets_a_fill(self, which):
        """The cancel is on its way while the order fills."""
        if resting := [each for each in self.run.resting() if each.client_id == CLIENT_ID]:
            order = resting[which % len(resting)]
            self.run.trade_with(order, int(order.remaining))
            self.run.cancel_order(order.form.order_ref)

    @rule(which=WHICH, ticks=st.integers(1, 3))
    def execution_is_corrected(self, which, ticks):
        if executions := self.run.gateway.executions():
            execution = executions[which % len(executions)]
            self.run.gateway.correct(execution.exec_id, price=execution.price + ticks * TICK)

    @rule(symbol=SYMBOL, side=SIDE, quantity=QUANTITY, ticks=TICKS, is_typed=st.booleans())
    def others_send(self, symbol, side, quantity, ticks, is_typed):
        gateway = self.run.gateway
        send = gateway.submit_manual if is_typed else gateway.submit_foreign
        send(symbol, side.upper(), Decimal(quantity), self.run.quotes[symbol] + TICK + ticks * TICK)

    @rule(symbol=SYMBOL, kind=st.sampled_from([1, 2]))
    def halt(self, symbol, kind):
        self.run.gateway.halt(symbol, kind)

    @rule(symbol=SYMBOL)
    def resume(self, symbol):
        self.run.gateway.resume(symbol)

    @rule()
    def link_goes(self):
        self.run.gateway.link_down()

    @rule(data_lost=st.booleans())
    def link_comes(self, data_lost):
        self.run.gateway.link_up(data_lost=data_lost)

    @rule(fault=st.sampled_from(OF_MESSAGES))
    def messages_come_otherwise(self, fault):
        self.run.gateway.inject(fault)

    @rule(fault=st.sampled_from(OF_THE_LINK))
    def line_will_break(self, fault):
        self.run.gateway.inject(fault)

    @rule()
    def line_breaks(self):
        self.run.gateway.drop()

    @rule()
    def reconnect(self):
        self.run.reconnect()

    @rule()
    def restart(self):
        self.run.restart()

    @rule()
    def another_program_has_the_client_id_for_a_while(self):
        self.run.another_program()

    @rule(scope=st.sampled_from(["own", "all"]))
    def cancel_all(self, scope):
        self.run.call("cancel_all", lambda: self.run.broker.cancel_all(scope=scope))

    @rule()
    def resync(self):
        self.run.resync()

    def is_ready(self):
        return self.run.broker.connection().state is ConnectionState.READY

    @invariant()
    def what_it_says_is_true_at_any_time(self):
        """What it says was true before the venue is asked, so that may only have gone further."""
        if not hasattr(self, "run") or not self.is_ready():
            return
        said = [
            status
            for ref in self.run.orders
            if not isinstance(
                status := self.run.call("order_status", lambda ref=ref: self.status(ref)),
                BrokerError,
            )
        ]
        truth = self.run.truth()
        at_venue = {each.form.order_ref: each for each in truth.own}
        for status in said:
            order = at_venue.get(status.client_order_id)
            if order is not None:
                assert status.filled_quantity <= order.filled
                assert order.is_done or not status.state.is_terminal

    def status(self, ref):
        return self.run.broker.order_status(ref)


def machine_of(examples, steps):
    """A test of so many sessions."""

    class Machine(VenueMachine):
        pass

    Machine.TestCase.settings = settings(
        max_examples=examples,
        stateful_step_count=steps,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    return Machine.TestCase


TestSomeSessions = machine_of(10, 15)
TestManySessions = pytest.mark.slow(machine_of(60, 40))
