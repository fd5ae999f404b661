"""Where clients' orders arrive, change and are taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from attrs import evolve

from nanobook_binance.simulator.venue import trigger
from nanobook_binance.simulator.venue.account import Account
from nanobook_binance.simulator.venue.clearing import Clearing
from nanobook_binance.simulator.venue.filter import Applicant, check_amendment, check_filters
from nanobook_binance.simulator.venue.floor import Floor
from nanobook_binance.simulator.venue.market import Market
from nanobook_binance.simulator.venue.money import ZERO
from nanobook_binance.simulator.venue.order import Amendment, OrderRequest, Replacement, VenueOrder
from nanobook_binance.simulator.venue.refusal import Refusal
from nanobook_binance.simulator.venue.request_check import (
    check_cancellable,
    check_client_id,
    check_request,
    check_tradable,
)
from nanobook_binance.simulator.venue.word import ExecutionType, OrderStatus, OrderType, StpMode
from nanobook_binance.simulator.venue.working import Working
from nanobook_core.broker.exact import EXACT

_INSUFFICIENT = "Account has insufficient balance for requested action."
_RESTRICTIONS = {
    "ONLY_NEW": OrderStatus.NEW,
    "ONLY_PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
}


class Desk:
    """Takes requests that change orders; a refused one has changed nothing."""

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

    def test(self, account: Account, request: OrderRequest, *, replaces: int = 0) -> None:
        """Check a request as far as the venue does before it comes to the books.

        Raises:
            Refusal: in the vendor's words.

        """
        market = self.market(request.symbol)
        check_request(request, market.rules)
        check_tradable(market.rules.status)
        check_filters(
            Applicant(
                request=request,
                account=account,
                market=market,
                now_ms=self._now_ms(),
                replaces=replaces,
            )
        )

    def place(self, account: Account, request: OrderRequest) -> Working:
        """Take an order in; it trades, rests or waits.

        Raises:
            Refusal: in the vendor's words; nothing has changed.

        """
        self.test(account, request)
        return self._enter(account, request)

    def find(
        self,
        account: Account,
        symbol: str,
        order_id: int | None,
        client_order_id: str | None,
        missing: Refusal,
    ) -> Working:
        """Return the account's order of that number, or the latest of that client id.

        Raises:
            Refusal: `missing`; -1102 without any id, -2039 where the two are of different orders.

        """
        self.market(symbol)
        if order_id is None and client_order_id is None:
            raise Refusal(
                -1102,
                "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!",
            )
        found = None
        if order_id is not None:
            found = self.orders.get((symbol, order_id))
        elif client_order_id is not None:
            found = account.named.get((symbol, client_order_id))
        if found is None or found.account is not account:
            raise missing
        if client_order_id not in (None, found.order.client_order_id):
            raise Refusal(-2039, "The client order ID is not correct for this order ID.")
        return found

    def cancel(
        self,
        account: Account,
        symbol: str,
        order_id: int | None,
        client_order_id: str | None,
        *,
        new_client_order_id: str | None = None,
        restriction: str | None = None,
    ) -> Working:
        """Take an open order back.

        Raises:
            Refusal: -2011 where it is not open, or not as the restriction wants it.

        """
        if restriction is not None and restriction not in _RESTRICTIONS:
            raise Refusal(
                -1145,
                "`cancelRestrictions` has to be either `ONLY_NEW` or `ONLY_PARTIALLY_FILLED`.",
            )
        check_client_id(new_client_order_id, "newClientOrderId")
        working = self._open(account, symbol, order_id, client_order_id)
        if restriction is not None and working.order.status is not _RESTRICTIONS[restriction]:
            raise Refusal(-2011, "Order was not canceled due to cancel restrictions.")
        self._cancel(working, new_client_order_id)
        return working

    def cancel_all(self, account: Account, symbol: str) -> list[Working]:
        """Take all open orders of a symbol back, oldest first.

        Raises:
            Refusal: -2011 where there is none.

        """
        check_cancellable(self.market(symbol).rules.status)
        found = list(account.open_on(symbol))
        if not found:
            raise Refusal(-2011, "Unknown order sent.")
        for working in found:
            self._cancel(working, None)
        return found

    def replace(
        self,
        account: Account,
        request: OrderRequest,
        order_id: int | None,
        client_order_id: str | None,
        *,
        stop_on_failure: bool,
        cancel_client_order_id: str | None = None,
        restriction: str | None = None,
    ) -> Replacement:
        """Take an order back and place another: what became of each of the two.

        Raises:
            Refusal: the new order cannot be one, or does not pass the filters; nothing has changed.

        """
        market = self.market(request.symbol)
        if not market.rules.cancel_replace_allowed:
            raise Refusal(-1013, "Order cancel-replace is not supported for this symbol.")
        self.test(account, request, replaces=1)
        cancelled: VenueOrder | Refusal
        try:
            cancelled = evolve(
                self.cancel(
                    account,
                    request.symbol,
                    order_id,
                    client_order_id,
                    new_client_order_id=cancel_client_order_id,
                    restriction=restriction,
                ).order
            )
        except Refusal as refusal:
            if stop_on_failure:
                return Replacement(cancelled=refusal, placed=None)
            cancelled = refusal
        try:
            self.test(account, request)
            placed: VenueOrder | Refusal = self._enter(account, request).order
        except Refusal as refusal:
            placed = refusal
        return Replacement(cancelled=cancelled, placed=placed)

    def amend(
        self,
        account: Account,
        symbol: str,
        order_id: int | None,
        client_order_id: str | None,
        *,
        quantity: Decimal,
        new_client_order_id: str | None,
    ) -> Amendment:
        """Make an open order smaller in its place; its client id becomes another one.

        Raises:
            Refusal: -2038 where the quantity is not smaller, or the order too far filled.

        """
        check_client_id(new_client_order_id, "newClientOrderId")
        market = self.market(symbol)
        if not market.rules.amend_allowed:
            raise Refusal(-1013, "Order amend is not supported for this symbol.")
        working = self._open(account, symbol, order_id, client_order_id)
        order = working.order
        name = new_client_order_id or self._make_up()
        if quantity > order.quantity:
            raise Refusal(-2038, "Order amend (quantity increase) is not supported.")
        by = EXACT.subtract(order.quantity, quantity)
        if not by or by >= order.remaining:
            raise Refusal(-2038, "The requested action would change no state; rejecting.")
        if name != order.client_order_id:
            self._check_unused(account, symbol, name)
        request = OrderRequest(
            symbol=symbol,
            side=order.side,
            type=order.type,
            quantity=quantity,
            price=working.limit,
        )
        applicant = Applicant(
            request=request, account=account, market=market, now_ms=self._now_ms()
        )
        check_amendment(applicant, len(working.amendments))
        if working.book_id is not None:
            market.reduce(working.book_id, by)
        former, former_quantity = order.client_order_id, order.quantity
        order.quantity, order.client_order_id, order.amended_from = quantity, name, former
        account.named[symbol, name] = working
        self._clearing.changed(working, ExecutionType.REPLACED)
        amendment = Amendment(
            symbol=symbol,
            order_id=order.order_id,
            execution_id=order.execution_id,
            former_client_order_id=former,
            client_order_id=name,
            former_quantity=former_quantity,
            quantity=quantity,
            time=order.update_time,
        )
        working.amendments.append(amendment)
        return amendment

    def _open(
        self, account: Account, symbol: str, order_id: int | None, client_order_id: str | None
    ) -> Working:
        check_cancellable(self.market(symbol).rules.status)
        unknown = Refusal(-2011, "Unknown order sent.")
        working = self.find(account, symbol, order_id, client_order_id, unknown)
        if not working.order.is_open:
            raise unknown
        return working

    def _cancel(self, working: Working, name: str | None) -> None:
        working.order.cancel_client_order_id = name or self._make_up()
        self._floor.end(working, OrderStatus.CANCELED, ExecutionType.CANCELED)

    def _enter(self, account: Account, request: OrderRequest) -> Working:
        market = self.market(request.symbol)
        name = request.client_order_id or self._make_up()
        self._check_unused(account, request.symbol, name)
        self._check_prices(market, request)
        working = self._working(account, market, request, name)
        self._check_funds(working)
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
    def _check_unused(account: Account, symbol: str, name: str) -> None:
        former = account.named.get((symbol, name))
        if former is not None and former.order.is_open and former.order.client_order_id == name:
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
        quantity, _ = self._floor.affordable(market, request.side, account, mode, quote)
        if not quantity:
            what = "symbol minimum quantity"
        elif quantity < market.rules.limits["LOT_SIZE"]["minQty"]:
            what = "LOT_SIZE filter minimum quantity"
        else:
            return quantity
        raise Refusal(-2010, f"Order book liquidity is less than {what}.")

    def _check_funds(self, working: Working) -> None:
        is_market = working.limit is None and working.order.is_working
        needed = self._floor.cost(working) if is_market else working.needed
        if needed > working.account.balance(working.gives).free:
            raise Refusal(-2010, _INSUFFICIENT)

    def _make_up(self) -> str:
        """Client id of an order or a cancel that came without one."""
        self._made_up += 1
        return f"sim{self._made_up:019d}"
