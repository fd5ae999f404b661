"""How an order comes to the books."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from nanobook_binance.simulator.venue import trigger
from nanobook_binance.simulator.venue.account import Account
from nanobook_binance.simulator.venue.clearing import Clearing
from nanobook_binance.simulator.venue.filter import Applicant, check_filters
from nanobook_binance.simulator.venue.floor import Floor
from nanobook_binance.simulator.venue.market import Market
from nanobook_binance.simulator.venue.money import ZERO
from nanobook_binance.simulator.venue.order import OrderRequest, VenueOrder
from nanobook_binance.simulator.venue.refusal import Refusal
from nanobook_binance.simulator.venue.request_check import check_request, check_tradable
from nanobook_binance.simulator.venue.word import ExecutionType, OrderType, StpMode
from nanobook_binance.simulator.venue.working import Working

_INSUFFICIENT = "Account has insufficient balance for requested action."


class Entry:
    """Checks orders and lets them in; a refused one has changed nothing."""

    def __init__(
        self,
        *,
        now_ms: Callable[[], int],
        markets: Mapping[str, Market],
        clearing: Clearing,
        floor: Floor,
    ) -> None:
        self.orders: dict[tuple[str, int], Working] = {}
        """All that ever were, by symbol and order id."""
        self._now_ms = now_ms
        self._markets = markets
        self._clearing = clearing
        self._floor = floor
        self._made_up = 0

    def market(self, symbol: str) -> Market:
        """Book of a symbol.

        Raises:
            Refusal: -1121, there is none.

        """
        found = self._markets.get(symbol)
        if found is None:
            raise Refusal(-1121, "Invalid symbol.")
        return found

    def test(self, account: Account, request: OrderRequest) -> None:
        """Check a request as far as the venue does before it comes to the books.

        Raises:
            Refusal: in the vendor's words.

        """
        market = self.market(request.symbol)
        check_request(request, market.rules)
        check_tradable(market.rules.status)
        check_filters(
            Applicant(request=request, account=account, market=market, now_ms=self._now_ms())
        )

    def enter(self, account: Account, request: OrderRequest) -> Working:
        """Let an order in that has passed the test; it trades, rests or waits.

        Raises:
            Refusal: -2010, for what the books, the balances and the other orders are.

        """
        market = self.market(request.symbol)
        name = request.client_order_id or self.make_up()
        self.check_unused(account, request.symbol, name)
        self._check_prices(market, request)
        working = self._working(account, market, request, name)
        working.budget = self._floor.cost(working)
        needed = working.budget if working.order.is_working else working.needed
        if needed > account.balance(working.gives).free:
            raise Refusal(-2010, _INSUFFICIENT)
        order = working.order
        order.order_id = next(market.order_ids)
        self.orders[order.symbol, order.order_id] = working
        account.open[order.symbol, order.order_id] = working
        account.orders.setdefault(order.symbol, []).append(working)
        account.named[order.symbol, name] = working
        self._clearing.changed(working, ExecutionType.NEW)
        self._floor.work(working)
        return working

    @staticmethod
    def check_unused(account: Account, symbol: str, name: str) -> None:
        """Refuse a client id that an open order of the symbol has.

        Raises:
            Refusal: -2010.

        """
        former = account.named.get((symbol, name))
        if former is not None and former.order.is_open:
            raise Refusal(-2010, "Duplicate order sent.")

    @staticmethod
    def _check_prices(market: Market, request: OrderRequest) -> None:
        last, stop = market.tape.last, request.stop_price
        if (
            stop is not None
            and last is not None
            and trigger.is_touched(request.type, request.side, stop, last)
        ):
            raise Refusal(-2010, "Order would trigger immediately.")
        if (
            request.type == OrderType.LIMIT_MAKER
            and request.price is not None
            and market.would_match(request.side, request.price)
        ):
            raise Refusal(-2010, "Order would immediately match and take.")

    def _working(
        self, account: Account, market: Market, request: OrderRequest, name: str
    ) -> Working:
        order_type, now = OrderType(request.type), self._now_ms()
        mode = StpMode(request.self_trade_prevention_mode or market.rules.default_stp_mode)
        price, stop_price = request.price or ZERO, request.stop_price or ZERO
        return Working(
            order=VenueOrder(
                symbol=request.symbol,
                order_id=0,
                client_order_id=name,
                account=account.name,
                side=request.side,
                type=order_type,
                time_in_force=request.time_in_force or "GTC",
                quantity=request.quantity or self._in_quote(account, market, request, mode),
                price=price,
                quote_order_quantity=request.quote_order_quantity or ZERO,
                stop_price=stop_price,
                trailing_delta=request.trailing_delta,
                self_trade_prevention_mode=mode,
                time=now,
                update_time=now,
                working_time=None if order_type.is_contingent else now,
                strategy_id=request.strategy_id,
                strategy_type=request.strategy_type,
            ),
            market=market,
            account=account,
            unit_cost=price or stop_price or market.tape.last or ZERO,
        )

    def _in_quote(
        self, account: Account, market: Market, request: OrderRequest, mode: StpMode
    ) -> Decimal:
        """How much an order of so much of the quote asset comes to."""
        quote = request.quote_order_quantity or ZERO
        if request.side == "BUY" and quote > account.balance(market.rules.quote_asset).free:
            raise Refusal(-2010, _INSUFFICIENT)
        quantity = self._floor.affordable(market, request.side, account, mode, quote)
        if not quantity:
            what = "symbol minimum quantity"
        elif quantity < market.rules.limits["LOT_SIZE"]["minQty"]:
            what = "LOT_SIZE filter minimum quantity"
        else:
            return quantity
        raise Refusal(-2010, f"Order book liquidity is less than {what}.")

    def make_up(self) -> str:
        """Client id of an order or a cancel that came without one."""
        self._made_up += 1
        return f"sim{self._made_up:019d}"
