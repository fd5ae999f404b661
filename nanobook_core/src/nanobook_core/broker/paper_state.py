"""The paper broker's books: one SQLite database, in a file or in memory.

The database is the state: nothing is kept beside it, so that what a request has changed is durable
when it returns, and a restart makes no difference.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property
from typing import Any

from attrs import frozen

from nanobook_core.broker.exact import EXACT, total
from nanobook_core.broker.order_record import OrderRecord
from nanobook_core.broker.paper_database import PaperDatabase
from nanobook_core.contracts.broker_error import ConnectError
from nanobook_core.contracts.broker_order import BrokerOrder, Fill, OrderState

_ORDER = (
    "order_id, client_order_id, symbol, side, quantity, order_type, limit_price, stop_price, tif, "
    "post_only, reduce_only, outside_hours, state, is_resting, reason, created_at, updated_at"
)
_FILL = (
    "number, fills.order_id, client_order_id, symbol, side, fills.quantity, price, fee, "
    "fee_currency, liquidity, time"
)


@frozen
class Holding:
    """A position, and the last price at which it traded here."""

    symbol: str
    quantity: Decimal = Decimal(0)
    avg_cost: Decimal = Decimal(0)
    last_price: Decimal = Decimal(0)


@frozen
class Terms:
    """What turns a symbol's price and quantity into money."""

    currency: str
    multiplier: Decimal

    def __str__(self) -> str:
        return f"in {self.currency} with a multiplier of {self.multiplier}"


@frozen
class Taken:
    """What was taken of a quote's sizes; a new quote brings new ones."""

    quote: str
    """All that was said by the quote, which tells it from the next."""
    period: int
    """Number of the quote among those that traded."""
    bid: Decimal = Decimal(0)
    ask: Decimal = Decimal(0)


@frozen
class PaperOrder:
    """An order as the paper venue keeps it."""

    record: OrderRecord
    created_at: dt.datetime
    is_resting: bool = False
    """Whether it has been in the market: then it trades at its own limit."""

    @property
    def left(self) -> Decimal:
        """What may still fill."""
        return EXACT.subtract(self.record.order.quantity, self.record.filled_quantity)


class PaperState(PaperDatabase):
    """Reads and writes of the books; every change is made inside `transaction`."""

    def _check(self) -> None:
        """Refuse books that do not add up."""
        super()._check()
        cash = Decimal(self.entry("opening_cash"))
        held: dict[str, Decimal] = {}
        for symbol, side, quantity, change in self._database.execute(
            "SELECT symbol, side, fills.quantity, cash FROM fills LEFT JOIN orders USING (order_id)"
        ):
            lots = Decimal(quantity)
            cash = total(cash, Decimal(change))
            held[symbol] = total(
                held.get(symbol, Decimal(0)), lots if side == "buy" else lots.copy_negate()
            )
        if cash != self.cash:
            raise ConnectError(f"{self.where} is damaged: cash {self.cash}, its fills say {cash}")
        positions = {one.symbol: one.quantity for one in self.holdings()}
        if positions != {symbol: lots for symbol, lots in held.items() if lots}:
            raise ConnectError(f"{self.where} is damaged: its positions are not those of its fills")
        is_open = {order.record.order_id for order in self.open_orders()}
        for order in self._orders(""):
            record = order.record
            if order.left < 0:
                raise ConnectError(
                    f"{self.where} is damaged: more than order {record.order_id} is filled"
                )
            if record.state.is_terminal is (record.order_id in is_open) or (
                (record.state is OrderState.FILLED) is not (order.left == 0)
            ):
                raise ConnectError(
                    f"{self.where} is damaged: order {record.order_id} is {record.state.value}, "
                    f"and {order.left} of it is left"
                )

    def entry(self, name: str) -> str:
        """Return what the account says under that name, or an empty string."""
        row = self._one("SELECT value FROM account WHERE name=?", name)
        return "" if row is None else str(row[0])

    def write_entry(self, name: str, value: str) -> None:
        """Change what the account says under that name."""
        self._run("INSERT OR REPLACE INTO account VALUES (?, ?)", name, value)

    @property
    def cash(self) -> Decimal:
        """Money, in the base currency."""
        return Decimal(self.entry("cash"))

    @cached_property
    def account_id(self) -> str:
        """What the account is called."""
        return self.entry("account_id")

    def next_order_id(self) -> int:
        """One more than the last order's."""
        return int(self._one("SELECT coalesce(max(order_id), 0) + 1 FROM orders")[0])

    def next_fill_number(self) -> int:
        """One more than the last fill's."""
        return int(self._one("SELECT coalesce(max(number), 0) + 1 FROM fills")[0])

    def exec_id(self, number: int) -> str:
        """Name of an execution."""
        return f"{self.account_id}-{number}"

    def order(self, order_id: int) -> PaperOrder | None:
        """Return an order, finished ones too."""
        if not 0 < order_id < 2**63:
            return None
        return next(self._orders("WHERE order_id=?", order_id), None)

    def latest_order(self, client_order_id: str) -> PaperOrder | None:
        """Return the last order of that client order id."""
        where = "WHERE client_order_id=? ORDER BY order_id DESC LIMIT 1"
        return next(self._orders(where, client_order_id), None)

    def open_orders(self, symbol: str | None = None) -> list[PaperOrder]:
        """Orders that may still fill, of one symbol or of all, oldest first."""
        if symbol is None:
            return list(self._orders("WHERE is_open ORDER BY order_id"))
        return list(self._orders("WHERE is_open AND symbol=? ORDER BY order_id", symbol))

    def open_symbols(self) -> list[str]:
        """Symbols with open orders, in alphabetical order."""
        rows = self._all("SELECT DISTINCT symbol FROM orders WHERE is_open ORDER BY symbol")
        return [row[0] for row in rows]

    def day_orders_before(self, day: dt.date) -> list[PaperOrder]:
        """Open day orders that were made before that day, in UTC."""
        return list(self._orders("WHERE is_open AND tif='day' AND created_at<?", day.isoformat()))

    def write_order(self, paper: PaperOrder) -> None:
        """Add an order, or take over what has become of it."""
        record, order = paper.record, paper.record.order
        self._terms.pop(order.symbol, None)
        self._run(
            f"INSERT OR REPLACE INTO orders ({_ORDER}, is_open) VALUES ({'?, ' * 17}?)",  # noqa: S608
            record.order_id,
            order.client_order_id,
            order.symbol,
            order.side.value,
            str(order.quantity),
            order.order_type.value,
            _text(order.limit_price),
            _text(order.stop_price),
            order.tif.value,
            order.post_only,
            order.reduce_only,
            order.outside_hours,
            record.state.value,
            paper.is_resting,
            record.reason,
            paper.created_at.isoformat(),
            (record.updated_at or paper.created_at).isoformat(),
            not record.state.is_terminal,
        )

    def fills(self, where: str = "", *values: Any) -> Iterator[Fill]:
        """Executions, oldest first."""
        for row in self._all(
            f"SELECT {_FILL} FROM fills JOIN orders USING (order_id) {where} ORDER BY number",  # noqa: S608
            *values,
        ):
            number, order_id, client_order_id, symbol, side = row[:5]
            quantity, price, fee, fee_currency, liquidity, time = row[5:]
            yield Fill(
                exec_id=self.exec_id(number),
                order_id=order_id,
                client_order_id=client_order_id,
                symbol=symbol,
                side=side,
                quantity=Decimal(quantity),
                price=Decimal(price),
                fee=Decimal(fee),
                fee_currency=fee_currency,
                liquidity=liquidity,
                time=dt.datetime.fromisoformat(time),
            )

    def write_fill(self, number: int, fill: Fill, cash_change: Decimal) -> None:
        """Add an execution and what it did to cash."""
        assert fill.time is not None  # noqa: S101 - the paper broker gives each a time
        self._run(
            "INSERT INTO fills VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            number,
            fill.order_id,
            str(fill.quantity),
            str(fill.price),
            str(fill.fee),
            fill.fee_currency,
            fill.liquidity,
            fill.time.isoformat(),
            str(cash_change),
        )
        self.write_entry("cash", str(total(self.cash, cash_change)))

    @cached_property
    def _terms(self) -> dict[str, Terms | None]:
        return {}

    def terms(self, symbol: str) -> Terms | None:
        """Return what a symbol that is held or ordered is valued by."""
        if symbol not in self._terms:
            row = self._one(
                "SELECT currency, multiplier FROM symbols WHERE symbol=?1 AND (EXISTS (SELECT 1 "
                "FROM holdings WHERE symbol=?1) OR EXISTS (SELECT 1 FROM orders WHERE is_open AND "
                "symbol=?1))",
                symbol,
            )
            self._terms[symbol] = None if row is None else Terms(row[0], Decimal(row[1]))
        return self._terms[symbol]

    def forget(self) -> None:
        """Read again what was read of a change that was undone."""
        self._terms.clear()

    def write_terms(self, symbol: str, terms: Terms) -> None:
        """Remember what a symbol is valued by."""
        self._terms.pop(symbol, None)
        self._run(
            "INSERT OR REPLACE INTO symbols VALUES (?, ?, ?)",
            *(symbol, terms.currency, str(terms.multiplier)),
        )

    def holding(self, symbol: str) -> Holding:
        """Return what is held of a symbol, which may be nothing."""
        row = self._one("SELECT * FROM holdings WHERE symbol=?", symbol)
        return Holding(symbol) if row is None else _holding(row)

    def holdings(self) -> list[Holding]:
        """All that is held, in the order of the symbols."""
        return [_holding(row) for row in self._all("SELECT * FROM holdings ORDER BY symbol")]

    def write_holding(self, holding: Holding) -> None:
        """Take over a holding; one of quantity 0 is forgotten."""
        self._terms.pop(holding.symbol, None)
        self._run("DELETE FROM holdings WHERE symbol=?", holding.symbol)
        if holding.quantity:
            self._run(
                "INSERT INTO holdings VALUES (?, ?, ?, ?)",
                holding.symbol,
                *map(str, (holding.quantity, holding.avg_cost, holding.last_price)),
            )

    def taken(self, symbol: str) -> Taken | None:
        """Return what was taken of the last quote of a symbol that traded."""
        row = self._one("SELECT quote, period, bid, ask FROM taken WHERE symbol=?", symbol)
        return None if row is None else Taken(row[0], row[1], Decimal(row[2]), Decimal(row[3]))

    def write_taken(self, symbol: str, taken: Taken) -> None:
        """Take over what was taken of a quote."""
        self._run(
            "INSERT OR REPLACE INTO taken VALUES (?, ?, ?, ?, ?)",
            *(symbol, taken.quote, taken.period, str(taken.bid), str(taken.ask)),
        )

    def next_period(self) -> int:
        """Number of the next quote that trades, from 0."""
        return int(self._one("SELECT coalesce(max(period), -1) + 1 FROM taken")[0])

    def _orders(self, where: str, *values: Any) -> Iterator[PaperOrder]:
        for row in self._all(f"SELECT {_ORDER} FROM orders {where}", *values):  # noqa: S608
            paper = _order(row)
            for fill in self.fills("WHERE fills.order_id=?", paper.record.order_id):
                paper.record.fill(fill)
            # What the fills alone would make of it, an order that was cancelled is not.
            paper.record.state = OrderState(row[12])
            paper.record.anomalies.clear()
            paper.record.updated_at = dt.datetime.fromisoformat(row[16])
            yield paper


def _text(price: Decimal | None) -> str | None:
    return None if price is None else str(price)


def _price(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _holding(row: Any) -> Holding:
    return Holding(row[0], Decimal(row[1]), Decimal(row[2]), Decimal(row[3]))


def _order(row: Any) -> PaperOrder:
    (order_id, client_order_id, symbol, side, quantity, order_type, limit, stop, tif) = row[:9]
    (post_only, reduce_only, outside_hours, state, is_resting, reason, created, updated) = row[9:]
    return PaperOrder(
        OrderRecord(
            order_id=order_id,
            order=BrokerOrder(
                symbol,
                side,
                Decimal(quantity),
                order_type,
                _price(limit),
                stop_price=_price(stop),
                tif=tif,
                client_order_id=client_order_id,
                post_only=bool(post_only),
                reduce_only=bool(reduce_only),
                outside_hours=bool(outside_hours),
            ),
            state=OrderState(state),
            reason=reason,
            updated_at=dt.datetime.fromisoformat(updated),
        ),
        dt.datetime.fromisoformat(created),
        bool(is_resting),
    )
