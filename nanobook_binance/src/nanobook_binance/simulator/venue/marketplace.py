"""What happens at the venue around the clients."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from functools import partial

from nanobook_binance.simulator.venue.registry import Registry
from nanobook_binance.simulator.venue.word import (
    ExecutionType,
    ExpiryReason,
    OrderStatus,
    SymbolStatus,
)
from nanobook_core.errors import ValidationError

#: A price, and how much there is at it.
Level = tuple[Decimal, Decimal]


class Marketplace(Registry):
    """The market that clients of a venue come to; every call is a request that is done at once."""

    # The liquidity source

    def set_quote(
        self,
        symbol: str,
        bid: Decimal | None,
        ask: Decimal | None,
        *,
        bid_size: Decimal | None = None,
        ask_size: Decimal | None = None,
        last: Decimal | None = None,
    ) -> None:
        """Let the liquidity source offer this instead of all that it offered before.

        It trades at once with the clients' orders that it meets, at their prices. A size is what
        can be had in all; None is the most that one order can be of. Without a last price the last
        one is moved to the touch that it is beyond, and triggers what waits for it.

        Raises:
            ValidationError: prices cross or are off the tick, sizes off the step, or the symbol is
                not listed; nothing has changed.

        """
        market = self._market(symbol)
        most = market.rules.limits["LOT_SIZE"]["maxQty"]
        levels = [
            (side, price, most if size is None else size)
            for side, price, size in (("BUY", bid, bid_size), ("SELL", ask, ask_size))
            if price is not None
        ]
        for _, price, size in levels:
            market.check_price(price)
            market.check_quantity(size)
        if bid is not None and ask is not None and bid >= ask:
            raise ValidationError(f"{symbol}: the bid must be below the ask, got {bid} and {ask}")
        if last is not None:
            market.check_price(last)
        offered = {(side, price): size for side, price, size in levels}
        with self._request():
            self._supply.act(market, partial(self._supply.replace, market, offered, last))

    def withdraw_quote(self, symbol: str) -> None:
        """Let the liquidity source offer nothing there; the last price stays."""
        market = self._market(symbol)
        with self._request():
            self._supply.act(market, partial(self._supply.replace, market, {}, None))

    def follow(
        self,
        symbol: str,
        bids: Iterable[Level],
        asks: Iterable[Level],
        *,
        update_id: int | None = None,
        replace: bool = False,
    ) -> None:
        """Let the liquidity source offer so much at these prices, and 0 for nothing.

        Its other offers stay, unless these are to `replace` all, which moves the last price as a
        quote does. It trades with the clients that it meets, at their prices. All of it is one
        update of the book, whose number becomes `update_id` if that is higher than it was.

        Raises:
            ValidationError: a price is off the tick, a quantity off the step, or the symbol is not
                listed; nothing has changed.

        """
        market = self._market(symbol)
        levels = {("BUY", price): quantity for price, quantity in bids}
        levels |= {("SELL", price): quantity for price, quantity in asks}
        for (_, price), quantity in levels.items():
            market.check_price(price)
            if quantity:
                market.check_quantity(quantity)

        def deed() -> None:
            before = market.update_id
            if replace:
                self._supply.replace(market, levels, None)
            else:
                self._supply.follow(market, levels)
            market.update_id = max(min(market.update_id, before + 1), update_id or 0)

        with self._request():
            self._supply.act(market, deed)

    def print(
        self, symbol: str, price: Decimal, quantity: Decimal, *, buyer_is_maker: bool
    ) -> None:
        """Let others trade so much at a price; what the liquidity source offers stays.

        It fills the clients' orders that it would have met: all with a better price, and at its own
        price what is behind all that the source offers there. The rest only goes on the tape.

        Raises:
            ValidationError: the price is off the tick, the quantity off the step, or the symbol is
                not listed; nothing has changed.

        """
        market = self._market(symbol)
        market.check_price(price)
        market.check_quantity(quantity)
        side = "SELL" if buyer_is_maker else "BUY"
        with self._request():
            self._supply.act(market, partial(self._supply.print, market, price, quantity, side))

    # What else happens to orders

    def fill(self, account: str, order_id: int, quantity: Decimal, *, symbol: str) -> None:
        """Let somebody else trade so much with an order that rests, at its limit.

        Orders that are before it stay as they are.

        Raises:
            ValidationError: it does not rest in the book, or has less left.

        """
        market, working = self._market(symbol), self._entry.orders.get((symbol, order_id))
        if working is None or working.book_id is None or working.order.account != account:
            raise ValidationError(f"{symbol}: order {order_id} of {account} does not rest there")
        market.check_quantity(quantity)
        if market.rules.status is not SymbolStatus.TRADING:
            raise ValidationError(f"{symbol} does not trade: its status is {market.rules.status}")
        if quantity > working.order.remaining:
            raise ValidationError(
                f"order {order_id} has {working.order.remaining:f} left, got {quantity:f}"
            )
        with self._request():
            self._floor.fill(working, quantity, next(market.house_order_ids))

    def server_cancel(self, symbol: str, order_id: int) -> None:
        """Let the venue itself end an order, as it does in maintenance.

        Raises:
            ValidationError: there is no such order that is open.

        """
        self._market(symbol)
        working = self._entry.orders.get((symbol, order_id))
        if working is None or not working.order.is_open:
            raise ValidationError(f"{symbol}: there is no open order {order_id}")
        with self._request():
            self._floor.end(
                working,
                OrderStatus.EXPIRED,
                ExecutionType.EXPIRED,
                ExpiryReason.EXCHANGE_CANCELED,
            )
