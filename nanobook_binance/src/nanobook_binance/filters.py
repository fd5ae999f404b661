"""Whether the venue's filters allow an order, and the nearest one that they allow."""

from __future__ import annotations

from decimal import Decimal
from typing import NoReturn

from attrs import frozen

from nanobook_binance.number import plain
from nanobook_binance.symbol import TRADING, Listed
from nanobook_core.broker.exact import EXACT, product, total
from nanobook_core.broker.order_rules import cut_to_steps
from nanobook_core.contracts.broker import NormalizedOrder
from nanobook_core.contracts.broker_error import MarketClosedError, OrderInvalidError, Outcome
from nanobook_core.contracts.broker_order import BrokerOrder, OrderType
from nanobook_core.contracts.instrument import Instrument
from nanobook_core.types import Side

_PRICE, _LOT, _MARKET_LOT = "PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE"
_PERCENT, _BY_SIDE = "PERCENT_PRICE", "PERCENT_PRICE_BY_SIDE"
_NOTIONAL, _MIN_NOTIONAL = "NOTIONAL", "MIN_NOTIONAL"
_ORDERS, _STOPS, _POSITION = "MAX_NUM_ORDERS", "MAX_NUM_ALGO_ORDERS", "MAX_POSITION"
#: Of a limit of the notional, the word that says whether it is one for market orders too.
_TO_MARKET = {
    (_MIN_NOTIONAL, "minNotional"): "applyToMarket",
    (_NOTIONAL, "minNotional"): "applyMinToMarket",
    (_NOTIONAL, "maxNotional"): "applyMaxToMarket",
}
_NEAREST = "the nearest is"


@frozen(kw_only=True)
class Standing:
    """What filters compare an order with; what is None is left to the venue to check."""

    reference_price: Decimal | None = None
    """The venue's reference price, or average of the last minutes, or last price."""
    open_orders: int | None = None
    """Of the account on that pair, stops among them."""
    open_stops: int | None = None
    held: Decimal | None = None
    """Of the base asset: free, locked, and still to come from open purchases."""


UNKNOWN = Standing()


def needs_reference(order: BrokerOrder, listed: Listed) -> bool:
    """Whether a filter compares that order with the reference price."""
    if order.limit_price is not None:
        return _PERCENT in listed.filters or _BY_SIDE in listed.filters
    return any(listed.filters.get(kind, {}).get(word) for (kind, _), word in _TO_MARKET.items())


def cut_to_filters(
    order: BrokerOrder, listed: Listed, standing: Standing = UNKNOWN
) -> NormalizedOrder:
    """Cut the quantity down to the venue's steps and prices to the passive side.

    A limit goes down to buy and up to sell, a stop the other way: never more quantity, never a
    worse price. Nothing is moved into a limit that it is outside of.

    Raises:
        OrderInvalidError, MarketClosedError: as `check_filters`, of what is left.

    """
    check = _Check(order, listed)
    check.status()
    if order.quantity < check.steps.lot:  # which some filter forbids; there is none to cut it to
        check.quantity()
    cut = cut_to_steps(order, check.steps)
    check_filters(cut.order, listed, standing)
    return cut


def check_filters(order: BrokerOrder, listed: Listed, standing: Standing = UNKNOWN) -> None:
    """Refuse what the venue would refuse, in the venue's order of filters.

    The message names the filter, its limit and the nearest value that is allowed; so do the
    error's `filter`, `limit` and `nearest` (None where no value is).

    Raises:
        OrderInvalidError: a filter forbids it; nothing was sent.
        MarketClosedError: the pair does not trade now.

    """
    check = _Check(order, listed)
    check.status()
    check.prices()
    check.percent_price(standing.reference_price)
    check.quantity()
    check.notional(standing.reference_price)
    check.counts(standing)
    check.position(standing.held)


class _Check:
    """One order and the rules of its pair; each method refuses what its filters forbid."""

    def __init__(self, order: BrokerOrder, listed: Listed) -> None:
        self._order = order
        self._listed = listed
        self._buys = order.side is Side.BUY
        is_market = order.order_type is OrderType.MARKET
        self._lot_filters = (_LOT, _MARKET_LOT) if is_market else (_LOT,)
        self.steps = _steps(listed, is_market=is_market)

    def status(self) -> None:
        listed = self._listed
        if not listed.instrument.tradable:
            what = listed.status if listed.status != TRADING else "not for spot trading"
            raise MarketClosedError(
                f"{listed.symbol}: {listed.pair} is {what}; cancels and questions go on",
                broker="binance",
                outcome=Outcome.NOT_SENT,
                client_order_id=self._order.client_order_id or "",
            )

    def prices(self) -> None:
        least = self._listed.limit(_PRICE, "minPrice") or self.steps.tick
        most = self._listed.limit(_PRICE, "maxPrice")
        for name, price, passive_is_up in (
            ("limit_price", self._order.limit_price, not self._buys),
            ("stop_price", self._order.stop_price, self._buys),
        ):
            if price is None:
                continue
            below, above = (self.steps.round_price(price, up=up) for up in (False, True))
            if price < least:
                nearest = self.steps.round_price(least, up=True)
                self._refuse(
                    _PRICE, f"{name} is at least {plain(least)}, got {plain(price)}", least, nearest
                )
            if most is not None and price > most:
                nearest = self.steps.round_price(most, up=False)
                self._refuse(
                    _PRICE, f"{name} is at most {plain(most)}, got {plain(price)}", most, nearest
                )
            if below != above:
                self._refuse(
                    _PRICE,
                    f"{name} moves in steps of {plain(self.steps.tick)}, got {plain(price)}",
                    self.steps.tick,
                    above if passive_is_up else below,
                    f"nearest are {plain(below)} and {plain(above)}, passive is",
                )

    def percent_price(self, reference: Decimal | None) -> None:
        price = self._order.limit_price
        if price is None or reference is None:
            return
        side = "bid" if self._buys else "ask"
        for kind, name, is_most in (
            (_PERCENT, "multiplierUp", True),
            (_PERCENT, "multiplierDown", False),
            (_BY_SIDE, f"{side}MultiplierUp", True),
            (_BY_SIDE, f"{side}MultiplierDown", False),
        ):
            factor = self._listed.limit(kind, name)
            limit = None if factor is None else product(reference, factor)
            if limit is not None and (price > limit if is_most else price < limit):
                self._refuse(
                    kind,
                    f"limit_price is at {'most' if is_most else 'least'} {plain(limit)}, "
                    f"{factor} of the reference price {plain(reference)}, got {plain(price)}",
                    limit,
                    self.steps.round_price(limit, up=not is_most),
                )

    def quantity(self) -> None:
        """Refuse by one filter after the other; the nearest quantity is one that both allow."""
        quantity, steps = self._order.quantity, self.steps
        below = steps.round_quantity(quantity)
        for kind in self._lot_filters:
            step = self._listed.limit(kind, "stepSize")
            if step is None and kind == _LOT:
                step = self._listed.instrument.lot
            least, most = (
                self._listed.limit(kind, "minQty") or step,
                self._listed.limit(kind, "maxQty"),
            )
            if least is not None and quantity < least:
                whole = steps.round_quantity(least)
                nearest = whole if whole == least else EXACT.add(whole, steps.lot)
                self._refuse(
                    kind,
                    f"quantity is at least {plain(least)}, got {plain(quantity)}",
                    least,
                    nearest,
                )
            if most is not None and quantity > most:
                self._refuse(
                    kind,
                    f"quantity is at most {plain(most)}, got {plain(quantity)}",
                    most,
                    steps.round_quantity(most),
                )
            if step is not None and EXACT.remainder(quantity, step):
                above = EXACT.add(below, steps.lot)
                self._refuse(
                    kind,
                    f"quantity moves in steps of {plain(step)}, got {plain(quantity)}",
                    step,
                    below or above,
                    f"nearest are {plain(below)} and {plain(above)}, not more is"
                    if below
                    else _NEAREST,
                )

    def notional(self, reference: Decimal | None) -> None:
        own = self._order.limit_price  # a stop without one trades as a market order
        price = own or reference
        if not price:
            return
        notional = product(self._order.quantity, price)
        lot = product(price, self.steps.lot)
        for (kind, name), word in _TO_MARKET.items():
            limit = self._listed.limit(kind, name)
            is_limit = own is not None or bool(self._listed.filters.get(kind, {}).get(word))
            if limit is None or not is_limit:
                continue
            lots, rest = EXACT.divmod(limit, lot)
            if name == "minNotional" and notional < limit:
                self._refuse(
                    kind,
                    f"notional is at least {plain(limit)}, got {plain(notional)}",
                    limit,
                    self.steps.from_lots(int(lots) + (rest > 0)),
                    f"the least quantity at {plain(price)} is",
                )
            if name == "maxNotional" and notional > limit:
                self._refuse(
                    kind,
                    f"notional is at most {plain(limit)}, got {plain(notional)}",
                    limit,
                    self.steps.from_lots(int(lots)) or None,
                    f"the largest quantity at {plain(price)} is",
                )

    def counts(self, standing: Standing) -> None:
        is_stop = self._order.stop_price is not None
        for kind, name, count, what in (
            (_ORDERS, "maxNumOrders", standing.open_orders, "open orders"),
            (_STOPS, "maxNumAlgoOrders", standing.open_stops if is_stop else None, "open stops"),
        ):
            most = self._listed.limit(kind, name)
            if most is not None and count is not None and count >= most:
                detail = f"at most {most} {what}, and there are {count}; cancel one"
                self._refuse(kind, detail, most, None)

    def position(self, held: Decimal | None) -> None:
        most = self._listed.limit(_POSITION, "maxPosition")
        if most is None or held is None or not self._buys:
            return
        if total(held, self._order.quantity) > most:
            left = max(EXACT.subtract(most, held), Decimal(0))
            self._refuse(
                _POSITION,
                f"at most {plain(most)} {self._listed.base} are held, {plain(held)} are or are on "
                f"order, and {plain(self._order.quantity)} more are wanted",
                most,
                self.steps.round_quantity(left) or None,
                "the largest quantity is",
            )

    def _refuse(
        self, kind: str, detail: str, limit: Decimal, nearest: Decimal | None, says: str = _NEAREST
    ) -> NoReturn:
        beside = "" if nearest is None else f"; {says} {plain(nearest)}"
        raise OrderInvalidError(
            f"{self._order.symbol}: {kind}: {detail}{beside}",
            broker="binance",
            client_order_id=self._order.client_order_id or "",
            filter=kind,
            limit=limit,
            nearest=nearest,
        )


def _steps(listed: Listed, *, is_market: bool) -> Instrument:
    """The steps alone; those of market orders may be wider."""
    lot = listed.instrument.lot
    wider = listed.limit(_MARKET_LOT, "stepSize") if is_market else None
    return Instrument(
        symbol=listed.symbol,
        tick=listed.instrument.tick,
        lot=lot if wider is None else _common(lot, wider),
    )


def _common(one: Decimal, other: Decimal) -> Decimal:
    """Least step that is a multiple of both."""
    greatest, rest = one, other
    while rest:
        greatest, rest = rest, EXACT.remainder(greatest, rest)
    return product(EXACT.divide_int(one, greatest), other)
