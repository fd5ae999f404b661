"""Laws of the money and the positions that executions move."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from nanobook_core.contracts import Account, Broker, BrokerPosition, Fill
from nanobook_core.contracts.cents import to_cents, whole
from nanobook_core.testing.broker_bench import BrokerBench, Venue
from nanobook_core.types import Side


class HoldingLaws(BrokerBench):
    """Positions and money are what the executions made of them, and nothing else."""

    def test_a_fresh_account_holds_only_money(self, broker: Broker) -> None:
        """No rows of 0, and everything is cash."""
        assert broker.positions() == []
        account = broker.account()
        assert account.cash > 0
        assert account.equity == account.cash
        assert account.gross_position_value == 0

    def test_an_account_is_of_exact_numbers(self, broker: Broker) -> None:
        """Decimal and finite, in a currency that is named."""
        self.trade(broker)
        account = broker.account()
        assert isinstance(account, Account)
        assert account.currency
        for number in (
            account.equity,
            account.cash,
            account.buying_power,
            account.gross_position_value,
        ):
            assert isinstance(number, Decimal)
            assert number.is_finite()

    def test_a_purchase_is_a_position(self, broker: Broker) -> None:
        """Of what was bought, at what was paid."""
        done = self.trade(broker)
        (position,) = self.eventually(broker.positions)
        assert isinstance(position, BrokerPosition)
        assert position.symbol == self.symbol
        assert position.quantity == self.holds(broker, self.symbol) > 0
        assert done.avg_fill_price is not None
        self.has_cost(broker, position, done.avg_fill_price)
        assert position.market_value > 0

    def test_a_position_that_is_closed_is_gone(self, broker: Broker) -> None:
        """There is no row of quantity 0."""
        self.trade(broker)
        (position,) = self.eventually(broker.positions)
        lots = broker.instrument(self.symbol).round_quantity(position.quantity)
        if lots == position.quantity:  # else a fee in kind left less than a lot
            self.trade(broker, "sell", quantity=lots)
            self.eventually(broker.positions, lambda positions: positions == [])
            account = broker.account()
            assert account.gross_position_value == 0
            assert account.equity == account.cash

    def test_a_part_that_is_sold_leaves_the_rest(self, broker: Broker) -> None:
        """At the cost that it was bought at."""
        done = self.trade(broker)
        (before,) = self.eventually(broker.positions)
        self.trade(broker, "sell", quantity=self.quantity / 4)
        (after,) = self.eventually(
            broker.positions, lambda told: told[0].quantity < before.quantity
        )
        assert after.quantity == self.holds(broker, self.symbol) > 0
        assert done.avg_fill_price is not None
        self.has_cost(broker, after, done.avg_fill_price)

    def test_the_cost_of_two_purchases_is_their_average(self, broker: Broker, venue: Venue) -> None:
        """Weighted by quantity."""
        first = self.trade(broker)
        (held,) = self.eventually(broker.positions)
        rise = 10 * (self.ask - self.bid)
        venue.set_quote(self.symbol, self.bid + rise, self.ask + rise)
        limit = broker.instrument(self.symbol).round_price(
            (self.ask + rise) * Decimal("1.02"), up=True
        )
        second = self.trade(broker, limit_price=limit)
        (position,) = self.eventually(
            broker.positions, lambda told: told[0].quantity > held.quantity
        )
        assert first.avg_fill_price is not None
        assert second.avg_fill_price is not None
        assert second.avg_fill_price > first.avg_fill_price
        expected = (first.avg_fill_price + second.avg_fill_price) / 2
        self.has_cost(broker, position, expected)

    def test_positions_are_told_in_the_order_of_their_symbols(self, broker: Broker) -> None:
        """Not in that of the trades."""
        for symbol in sorted((self.symbol, self.other_symbol), reverse=True):
            self.trade(broker, symbol=symbol)
        told = self.eventually(broker.positions, lambda positions: len(positions) == 2)
        assert [position.symbol for position in told] == sorted((self.symbol, self.other_symbol))

    def test_a_symbol_is_one_position(self, broker: Broker) -> None:
        """However many orders, accounts or exchanges it was bought with: rows are looked up by it.

        Of two rows a caller would see one, and take what is held for less.
        """
        for symbol in (self.symbol, self.other_symbol, self.symbol):
            self.trade(broker, symbol=symbol)
        self.holds(broker, self.symbol)
        self.holds(broker, self.other_symbol)
        symbols = [position.symbol for position in broker.positions()]
        assert len(symbols) == len(set(symbols)) == 2

    def test_a_short_position_is_negative(self, broker: Broker) -> None:
        """So is its value, and it is bought back to nothing."""
        if broker.capabilities().short:
            done = self.trade(broker, "sell")
            (position,) = self.eventually(broker.positions)
            assert position.quantity == self.holds(broker, self.symbol) < 0
            assert position.market_value < 0
            assert done.avg_fill_price is not None
            self.has_cost(broker, position, done.avg_fill_price)
            self.trade(broker, "buy")
            self.holds(broker, self.symbol)

    def test_money_moves_by_what_was_traded_and_its_fees(
        self, broker: Broker, venue: Venue
    ) -> None:
        """Cash changes by price times quantity and by the fees, to the last digit."""
        before = broker.account()
        self.trade(broker)
        rested = self.rest(broker, symbol=self.other_symbol)
        venue.fill(rested, rested.quantity)
        self.filled(broker, rested.order_id)
        self.trade(broker, "sell", quantity=self.quantity / 4)
        expected = before.cash + self._moved(broker, broker.fills(), before.currency)
        after = self.eventually(
            broker.account, lambda told: abs(told.cash - expected) <= self.money_step
        )
        self.near(after.cash, expected)

    def test_a_position_is_the_sum_of_its_fills(self, broker: Broker) -> None:
        """Less fees that were taken in kind."""
        for side, quantity in (
            ("buy", self.quantity),
            ("sell", self.quantity / 2),
            ("buy", self.quantity / 4),
        ):
            self.trade(broker, side, quantity=quantity)
        kept = self.kept(broker.fills())
        assert self.holds(broker, self.symbol) == self.quantity * 3 / 4 - kept

    def test_equity_is_money_and_what_is_held(self, broker: Broker) -> None:
        """And the gross value counts every position without its sign."""
        self.trade(broker)
        side = "sell" if broker.capabilities().short else "buy"
        self.trade(broker, side, symbol=self.other_symbol, quantity=self.quantity / 2)
        positions = self.eventually(broker.positions, lambda told: len(told) == 2)
        account = broker.account()
        values = [position.market_value for position in positions]
        self.near(account.equity, account.cash + sum(values))
        self.near(account.gross_position_value, sum((abs(value) for value in values), Decimal(0)))

    def test_an_unrealized_profit_is_value_less_cost(self, broker: Broker, venue: Venue) -> None:
        """It rises with the market; where no cost is told, neither is a profit."""
        done = self.trade(broker)
        (before,) = self.eventually(broker.positions)
        rise = 10 * (self.ask - self.bid)
        venue.set_quote(self.symbol, self.bid + rise, self.ask + rise)
        (after,) = self.eventually(
            broker.positions, lambda told: told[0].market_value > before.market_value
        )
        multiplier = broker.instrument(self.symbol).multiplier
        for position in (before, after):
            price = position.avg_cost if self.costs_with_fees else done.avg_fill_price
            if position.unrealized_pnl is None:
                assert not self.tells_costs
            else:
                assert price is not None
                cost = price * multiplier
                profit = position.market_value - position.quantity * cost
                assert abs(position.unrealized_pnl - profit) <= max(self.money_step, cost / 10**9)

    def test_a_resting_order_moves_nothing(self, broker: Broker) -> None:
        """It may reserve buying power, and never adds any."""
        before = broker.account()
        self.rest(broker)
        after = broker.account()
        assert broker.positions() == []
        assert after.cash == before.cash
        assert after.equity == before.equity
        assert after.buying_power <= before.buying_power

    def test_an_account_is_also_the_mapping_of_the_original(self, broker: Broker) -> None:
        """In cents, half a cent away from 0."""
        self.trade(broker)
        account = broker.account()
        assert dict(account) == {
            "equity_cents": to_cents(account.equity),
            "buying_power_cents": to_cents(account.buying_power),
            "cash_cents": to_cents(account.cash),
            "gross_position_value_cents": to_cents(account.gross_position_value),
        }

    def test_a_position_is_also_the_mapping_of_the_original(self, broker: Broker) -> None:
        """In cents, 0 for what is not told, and in whole units where the quantity is whole."""
        self.trade(broker)
        (position,) = self.eventually(broker.positions)
        assert dict(position) == {
            "symbol": position.symbol,
            "quantity": whole(position.quantity),
            "avg_cost_cents": to_cents(position.avg_cost or Decimal(0)),
            "market_value_cents": to_cents(position.market_value),
            "unrealized_pnl_cents": to_cents(position.unrealized_pnl or Decimal(0)),
        }

    def test_a_status_is_also_the_mapping_of_the_original(
        self, broker: Broker, venue: Venue
    ) -> None:
        """In the original's words for the state."""
        order = self.rest(broker)
        assert dict(order) == {
            "id": order.order_id,
            "status": "Submitted",
            "filled_quantity": 0,
            "remaining_quantity": whole(self.quantity),
            "avg_fill_price_cents": 0,
        }
        venue.fill(order, order.quantity)
        done = self.filled(broker, order.order_id)
        assert done.avg_fill_price is not None
        assert dict(done) == {
            "id": order.order_id,
            "status": "Filled",
            "filled_quantity": whole(self.quantity),
            "remaining_quantity": 0,
            "avg_fill_price_cents": to_cents(done.avg_fill_price),
        }

    def _moved(self, broker: Broker, fills: Sequence[Fill], currency: str) -> Decimal:
        total = Decimal(0)
        for fill in fills:
            paid = fill.price * fill.quantity * broker.instrument(fill.symbol).multiplier
            total += paid if fill.side is Side.SELL else -paid
            if fill.fee_currency in ("", currency):
                total -= fill.fee
        return total
