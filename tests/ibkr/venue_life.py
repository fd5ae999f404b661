"""A venue that lives through anything, and looks at its laws after each thing that happens."""

from decimal import Decimal

from attrs import evolve
from hypothesis import strategies as st
from tests.ibkr.venue_bench import Bench, form, key

from nanobook_core.broker.exact import total
from nanobook_core.errors import ValidationError
from nanobook_core.types import Side
from nanobook_ibkr.simulator.listener import VenueListener
from nanobook_ibkr.simulator.record import ContractDefinition, VenueRefusal

CASH = {"DU1": Decimal(2_000), "DU2": Decimal(1_000_000)}
LISTED = (
    ContractDefinition(con_id=1, symbol="AAA"),
    ContractDefinition(
        con_id=2, symbol="BBB", size_increment=Decimal("0.25"), min_size=Decimal("0.25")
    ),
)
SYMBOLS = st.sampled_from(["AAA", "BBB"])
PRICES = st.integers(9980, 10020).map(lambda cents: Decimal(cents) / 100)
SIZES = st.integers(1, 160).map(lambda quarters: Decimal(quarters) / 4)
INDEX = st.integers(0, 40)
FORMS = st.fixed_dictionaries(
    {
        "action": st.sampled_from(["BUY", "SELL"]),
        "quantity": SIZES,
        "order_type": st.sampled_from(["LMT", "LMT", "LMT", "MKT", "STP", "STP LMT", "TRAIL"]),
        "limit_price": PRICES,
        "aux_price": PRICES,
        "tif": st.sampled_from(["DAY", "GTC", "GTC", "IOC", "FOK"]),
        "oca_group": st.sampled_from(["", "", "x", "y"]),
        "oca_type": st.integers(0, 3),
        "account": st.sampled_from(["DU1", "DU2"]),
        "transmit": st.sampled_from([True, True, True, False]),
    },
)
CLIENTS = st.integers(1, 3)
OFTEN = (
    st.tuples(st.just("place"), CLIENTS, SYMBOLS, FORMS, st.none()),
    st.tuples(st.just("place"), CLIENTS, SYMBOLS, FORMS, st.none() | INDEX),
    st.tuples(st.just("bracket"), CLIENTS, SYMBOLS, SIZES, PRICES),
    st.tuples(st.just("quote"), SYMBOLS, st.none() | PRICES, st.integers(1, 5), SIZES),
    st.tuples(st.just("modify"), INDEX, PRICES, SIZES),
    st.tuples(st.just("fill"), INDEX, SIZES),
)
SELDOM = (
    st.tuples(st.just("cancel"), INDEX),
    st.tuples(st.just("quote"), SYMBOLS, PRICES, st.integers(1, 5), st.none()),
    st.tuples(st.just("correct"), INDEX, st.none() | SIZES, st.none() | PRICES),
    st.tuples(st.just("what_if"), SYMBOLS, FORMS),
    st.tuples(st.just("halt"), SYMBOLS),
    st.tuples(st.just("resume"), SYMBOLS),
    st.tuples(st.just("resume"), SYMBOLS),
    st.tuples(st.just("shortable"), SYMBOLS, st.booleans()),
    st.tuples(st.just("deposit"), SYMBOLS, SIZES, PRICES),
    st.tuples(st.just("end_of_day")),
)
STEPS = st.lists(st.one_of(*OFTEN * 4, *SELDOM), min_size=10, max_size=40)


class Watch(VenueListener):
    """Keeps what the laws speak of."""

    def __init__(self):
        self.fees = Decimal(0)
        self.filled = []
        self.known = set()
        self.executed_last = None
        self.beyond_limit = []

    def executed(self, execution):
        self.executed_last = execution

    def order_changed(self, order):
        execution, self.executed_last = self.executed_last, None
        if execution is not None and execution.perm_id == order.perm_id:
            self._check(order, execution)
        if order.status == "Filled" and order.perm_id not in self.known:
            self.known.add(order.perm_id)
            self.filled.append(order)

    def _check(self, order, execution):
        limit = order.form.limit_price
        if order.form.order_type not in ("LMT", "STP LMT") or execution.exec_id[-2:] != "01":
            return
        if execution.price > limit if execution.action == "BUY" else execution.price < limit:
            self.beyond_limit.append(execution)

    def commission_known(self, execution):
        if execution.exec_id[-2:] == "01":
            self.fees = total(self.fees, execution.commission)


class Life:
    def __init__(self):
        self.bench = Bench(definitions=LISTED, cash=CASH)
        self.venue = self.bench.venue
        self.watch = Watch()
        self.venue.listeners.append(self.watch)
        self.deposited = {1: Decimal(0), 2: Decimal(0)}
        self.refused = 0
        for symbol in ("AAA", "BBB"):
            self.bench.quote("99.99", "100.01", symbol, bid_size=40, ask_size=40)

    def step(self, step):
        what, *rest = step
        live = self.live()
        self.watch.filled.clear()
        worth = self.worth()
        self.bench.clock.passed += 1
        try:
            getattr(self, what)(*rest)
        except (VenueRefusal, ValidationError):
            self.refused += 1
        self.check(live)
        if what not in ("end_of_day", "deposit"):
            assert self.worth() == worth

    def live(self):
        return {each.perm_id: each for each in self.venue.orders if not each.is_done}

    def pick(self, index):
        live = list(self.live().values())
        return live[index % len(live)] if live else None

    def size(self, symbol, quantity):
        return max(quantity.to_integral_value(), Decimal(1)) if symbol == "AAA" else quantity

    def form(self, symbol, fields):
        kind = fields["order_type"]
        fields = fields | {"quantity": self.size(symbol, fields["quantity"])}
        if kind not in ("LMT", "STP LMT"):
            fields["limit_price"] = None
        if kind in ("STP", "STP LMT", "TRAIL") or fields["oca_group"]:
            fields["tif"] = "GTC"
        if kind == "TRAIL":
            fields["aux_price"] = Decimal("0.05")
        return form(**fields)

    def place(self, client, symbol, fields, parent):
        asked = self.form(symbol, fields)
        order = None if parent is None else self.pick(parent)
        if order is not None:
            asked = evolve(asked, parent_id=order.order_id)
            client = order.client_id
        self.bench.place(client, self.venue.next_order_id(client), asked, symbol)

    def bracket(self, client, symbol, quantity, entry):
        number = self.venue.next_order_id(client)
        away = Decimal("0.03")
        parts = [
            {"action": "BUY", "limit_price": entry},
            {"action": "SELL", "limit_price": entry + away},
            {"action": "SELL", "order_type": "STP", "aux_price": entry - away},
        ]
        for place, part in enumerate(parts):
            asked = form(
                **part,
                quantity=self.size(symbol, quantity),
                account="DU2",
                parent_id=number if place else 0,
                transmit=place == 2,
            )
            self.bench.place(client, number + place, asked, symbol)

    def quote(self, symbol, bid, spread, size):
        ask = None if bid is None else bid + Decimal(spread) / 100
        if size is not None:
            size = self.size(symbol, size)
        self.bench.quote(bid, ask, symbol, bid_size=size, ask_size=size)

    def modify(self, index, price, quantity):
        order = self.pick(index)
        if order is not None:
            quantity = self.size(order.contract.symbol, quantity)
            changed = evolve(order.form, quantity=quantity, transmit=True)
            if changed.limit_price is not None:
                changed = evolve(changed, limit_price=price)
            self.bench.place(order.client_id, order.order_id, changed, order.contract.symbol)

    def cancel(self, index):
        order = self.pick(index)
        if order is not None:
            self.venue.cancel(order.client_id, order.order_id)

    def fill(self, index, quantity):
        order = self.pick(index)
        if order is not None:
            quantity = min(self.size(order.contract.symbol, quantity), order.remaining)
            self.venue.fill(order.perm_id, quantity)

    def correct(self, index, quantity, price):
        executions = self.venue.executions
        if executions:
            self.venue.correct(
                executions[index % len(executions)].exec_id, quantity=quantity, price=price
            )

    def what_if(self, symbol, fields):
        before = self.everything()
        try:
            self.venue.what_if(key(symbol), self.form(symbol, fields))
        finally:
            assert self.everything() == before

    def halt(self, symbol):
        self.venue.halt(symbol)

    def resume(self, symbol):
        self.venue.resume(symbol)

    def shortable(self, symbol, is_shortable):
        self.venue.set_shortable(symbol, is_shortable=is_shortable)

    def deposit(self, symbol, quantity, price):
        self.venue.deposit("DU1", symbol, quantity, price)
        self.deposited[1 if symbol == "AAA" else 2] += quantity

    def end_of_day(self):
        self.venue.end_of_day()

    def everything(self):
        return (
            self.venue.orders,
            self.venue.executions,
            self.venue.positions(),
            [self.venue.account_values(account) for account in CASH],
            [self.venue.top(each) for each in LISTED],
            [self.venue.next_order_id(client) for client in (1, 2, 3)],
            self.bench.heard.lines[:],
        )

    def books(self):
        clearing = self.venue._clearing
        return [clearing.source, *clearing.accounts.values()]

    def worth(self):
        """Money and cost of every account, less what was realized: trades cannot change it."""
        return [
            total(
                *account.cash.values(),
                *(each.cost for each in account.holdings.values()),
                *(each.realized.copy_negate() for each in account.holdings.values()),
            )
            for account in self.books()
        ]

    def check(self, live_before):
        self.check_conservation()
        self.check_orders()
        self.check_books()
        self.check_groups(live_before)
        self.check_margin()
        assert self.watch.beyond_limit == []

    def check_conservation(self):
        money = total(*(total(*each.cash.values()) for each in self.books()))
        assert total(money, self.watch.fees) == sum(CASH.values())
        for definition in LISTED:
            held = [each.holding(definition).quantity for each in self.books()]
            assert sum(held) == self.deposited[definition.con_id]

    def check_orders(self):
        for order in self.venue.orders:
            assert 0 <= order.filled <= order.form.quantity
            if order.filled == order.form.quantity:
                assert order.status == "Filled"
            if order.status in ("ApiPending", "ApiCancelled", "Inactive"):
                assert order.filled == 0
        for working in self.venue._roster.orders.values():
            if working.waits_for_parent:
                assert working.order.filled == 0

    def check_books(self):
        """Exactly what is open rests in the books, and they are not crossed."""
        for definition in LISTED:
            market = self.venue._market(definition)
            top = market.top()
            assert top.bid is None or top.ask is None or top.bid < top.ask
            resting = {
                perm_id: (market.rules.from_ticks(ticks), market.rules.from_lots(lots))
                for side in (Side.BUY, Side.SELL)
                for perm_id, ticks, lots in market._resting(side)
                if perm_id is not None
            }
            assert resting == {
                each.order.perm_id: (each.limit, each.remaining)
                for each in self.venue._roster.live.values()
                if each.market is market
                and each.limit is not None
                and each.order.status == "Submitted"
            }

    def check_margin(self):
        """What is required is what looking through all orders says."""
        margin, live = self.venue._margin, self.venue._roster.live.values()
        for account in self.venue._clearing.accounts.values():
            worst = []
            for definition in LISTED:
                sides = []
                for side in Side:
                    groups = {}
                    for each in live:
                        is_there = each.market.definition is definition and each.side is side
                        if is_there and each.is_cleared and each.order.account == account.name:
                            name = each.group or each.order.perm_id
                            groups[name] = max(groups.get(name, 0), margin.notional(each))
                    sides.append(sum(groups.values()))
                held = margin.value(account.holding(definition))
                worst.append(max(abs(held + sides[0]), abs(held - sides[1])))
            assert margin.required(account) == sum(worst) / 4

    def check_groups(self, live_before):
        """Of a group of which one has filled, nothing that was there before is left."""
        for filled in self.watch.filled:
            group = filled.form.oca_group
            for perm_id, order in self.live().items():
                if perm_id in live_before and group and order.account == filled.account:
                    was_sent = live_before[perm_id].status != "ApiPending"
                    assert order.form.oca_group != group or not was_sent
