"""What trades do to orders, balances and the tape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from attrs import evolve

from nanobook_binance.simulator.venue.depth import Match
from nanobook_binance.simulator.venue.listener import VenueListener
from nanobook_binance.simulator.venue.market import Market
from nanobook_binance.simulator.venue.money import ZERO, floored, notional
from nanobook_binance.simulator.venue.trade import PreventedMatch, Print, VenueTrade
from nanobook_binance.simulator.venue.word import ExecutionType, OrderStatus
from nanobook_binance.simulator.venue.working import Working
from nanobook_core.broker.announcer import Announcer
from nanobook_core.broker.exact import EXACT, QUOTIENT, product

#: What is left of the commission where it is paid in BNB.
_DISCOUNT = Decimal("0.75")


class Clearing:
    """Settles each trade at once: the two sides give and take the same, the venue its commission.

    `house` is what the liquidity source has, which may be below 0, and `fees` what was taken.
    """

    def __init__(
        self,
        *,
        now_ms: Callable[[], int],
        markets: Mapping[str, Market],
        announcer: Announcer[VenueListener],
        commission: Decimal,
        bnb_discount: bool,
    ) -> None:
        self.house: dict[str, Decimal] = {}
        self.fees: dict[str, Decimal] = {}
        self._now_ms = now_ms
        self._markets = markets
        self._announcer = announcer
        self._commission = commission
        self._bnb_discount = bnb_discount

    def settle(
        self, market: Market, match: Match, side: str, taker: Working | int, maker: Working | None
    ) -> None:
        """Settle a trade; `side` is the taker's.

        The liquidity source is the number of its order as a taker, and None as a maker.
        """
        taker_id = taker if isinstance(taker, int) else taker.order.order_id
        printed = self.printed(market, match.price, match.quantity, side, taker_id)
        for working, its_side in ((taker, side), (maker, "SELL" if side == "BUY" else "BUY")):
            if isinstance(working, Working):
                self._filled(working, printed, is_maker=working is maker)
            else:
                self._supplied(market, printed, its_side)
        self._announcer.tell("traded", printed)

    def printed(
        self, market: Market, price: Decimal, quantity: Decimal, side: str, taker_order_id: int
    ) -> Print:
        """Put a trade on the tape; `side` is the taker's."""
        printed = Print(
            symbol=market.rules.symbol,
            trade_id=next(market.trade_ids),
            price=price,
            quantity=quantity,
            quote_quantity=notional(quantity, price),
            buyer_is_maker=side == "SELL",
            taker_order_id=taker_order_id,
            time=self._now_ms(),
        )
        market.tape.add(printed)
        return printed

    def printed_elsewhere(
        self, market: Market, price: Decimal, quantity: Decimal, side: str, taker_order_id: int
    ) -> None:
        """Put a trade between others on the tape, and say so."""
        printed = self.printed(market, price, quantity, side, taker_order_id)
        self._announcer.tell("traded", printed)

    def changed(
        self,
        working: Working,
        execution_type: ExecutionType,
        trade: VenueTrade | None = None,
        prevented: PreventedMatch | None = None,
    ) -> None:
        """Bring what an order locks up to date, and say what has happened to it."""
        self.relock(working)
        order = working.order
        order.execution_id = next(working.market.execution_ids)
        order.update_time = self._now_ms()
        if not order.is_open:
            working.account.open.pop((order.symbol, order.order_id), None)
        self._announcer.tell(
            "order_changed", order.account, evolve(order), execution_type, trade, prevented
        )

    @staticmethod
    def relock(working: Working) -> None:
        """Let an order lock exactly what it needs."""
        needed = working.needed
        working.account.lock(working.gives, EXACT.subtract(needed, working.locked))
        working.locked = needed

    def _filled(self, working: Working, printed: Print, *, is_maker: bool) -> None:
        order, account, rules = working.order, working.account, working.market.rules
        order.executed = EXACT.add(order.executed, printed.quantity)
        order.quote_executed = EXACT.add(order.quote_executed, printed.quote_quantity)
        order.status = OrderStatus.PARTIALLY_FILLED if order.remaining else OrderStatus.FILLED
        gives, gets = printed.quantity, printed.quote_quantity
        received = rules.quote_asset
        if order.side == "BUY":
            gives, gets, received = gets, gives, rules.base_asset
            working.budget = EXACT.subtract(working.budget, gives)
        self.relock(working)
        account.credit(working.gives, gives.copy_negate())
        account.credit(received, gets)
        commission, asset = self._charge(working, received, gets)
        trade = VenueTrade(
            symbol=order.symbol,
            trade_id=printed.trade_id,
            order_id=order.order_id,
            client_order_id=order.client_order_id,
            account=order.account,
            side=order.side,
            price=printed.price,
            quantity=printed.quantity,
            quote_quantity=printed.quote_quantity,
            commission=commission,
            commission_asset=asset,
            is_maker=is_maker,
            time=printed.time,
        )
        working.trades.append(trade)
        account.trades.setdefault(order.symbol, []).append(trade)
        self.changed(working, ExecutionType.TRADE, trade)

    def _charge(self, working: Working, received: str, amount: Decimal) -> tuple[Decimal, str]:
        """Take the commission, rounded down to eight places, and say in which asset."""
        commission, asset = product(amount, self._commission), received
        in_bnb = self._in_bnb(received, commission)
        if in_bnb is not None and working.account.balance("BNB").free >= in_bnb:
            commission, asset = in_bnb, "BNB"
        commission = floored(commission)
        working.account.credit(asset, commission.copy_negate())
        self.fees[asset] = EXACT.add(self.fees.get(asset, ZERO), commission)
        return commission, asset

    def _in_bnb(self, asset: str, amount: Decimal) -> Decimal | None:
        """Discounted commission in BNB; None where it is not paid so."""
        if not self._bnb_discount:
            return None
        amount = product(amount, _DISCOUNT)
        if asset == "BNB":
            return floored(amount)
        for symbol, is_base in (("BNB" + asset, True), (asset + "BNB", False)):
            market = self._markets.get(symbol)
            if market is not None and market.tape.last:
                price = market.tape.last
                return floored(
                    QUOTIENT.divide(amount, price) if is_base else product(amount, price)
                )
        return None

    def _supplied(self, market: Market, printed: Print, side: str) -> None:
        base, quote = printed.quantity, printed.quote_quantity
        changes = (base, quote.copy_negate()) if side == "BUY" else (base.copy_negate(), quote)
        for asset, change in zip(market.rules.assets, changes, strict=True):
            self.house[asset] = EXACT.add(self.house.get(asset, ZERO), change)
