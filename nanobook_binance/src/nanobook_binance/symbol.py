"""What may be traded, under which name, and by which rules."""

from __future__ import annotations

import difflib
import functools
import logging
import threading
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from attrs import field, frozen

from nanobook_binance.number import to_number
from nanobook_binance.rest import Rest
from nanobook_core.contracts.broker_error import (
    BrokerError,
    BrokerProtocolError,
    MarketClosedError,
    OrderInvalidError,
    Outcome,
    UnknownSymbolError,
)
from nanobook_core.contracts.clock import Clock
from nanobook_core.contracts.instrument import Instrument
from nanobook_core.errors import ValidationError, shown

log = logging.getLogger("nanobook.binance")

EXCHANGE_INFO = "/api/v3/exchangeInfo"
TRADING = "TRADING"
#: Seconds for which what the venue lists is good.
LASTING = 3600.0
#: Seconds until it is asked again for a symbol that it does not list, or after a failure.
_AGAIN = 60.0
_NEAR = 3

Filter = Mapping[str, Any]


@frozen(kw_only=True)
class Listed:
    """A pair as the venue lists it."""

    instrument: Instrument
    """Its `symbol` is the base asset where prices are in the broker's quote asset, else the pair's
    name; `venue_symbol` is the pair's name always."""
    base: str
    quote: str
    status: str
    """`TRADING`, or why it does not trade."""
    order_types: frozenset[str]
    """The venue's own words."""
    filters: Mapping[str, Filter] = field(repr=False)
    """By type, numbers as the venue writes them."""

    @property
    def symbol(self) -> str:
        """The name that orders, fills, positions and quotes have."""
        return self.instrument.symbol

    @property
    def pair(self) -> str:
        """The venue's name."""
        return self.instrument.venue_symbol

    def limit(self, filter_type: str, name: str) -> Decimal | None:
        """A number of a filter; None where there is no such filter, or it is 0, which means none.

        Raises:
            ValueError: it is no number.

        """
        return _limit(self.filters, filter_type, name)


class Symbols:
    """All pairs that the venue lists, asked for once an hour."""

    def __init__(self, rest: Rest, quote_asset: str, clock: Clock) -> None:
        """Ask nothing yet."""
        self._rest = rest
        self.quote_asset = quote_asset
        self._clock = clock
        self._lock = threading.RLock()
        self._pairs: dict[str, Listed] = {}
        self._by_symbol: dict[str, Listed] = {}
        self._unreadable: dict[str, str] = {}
        """Pairs with rules that cannot be, and why: they keep no other from being traded."""
        self._loaded: float | None = None
        self._is_good = False

    def listed(self, symbol: str) -> Listed:
        """Return what a symbol means: a base asset, or a pair in full.

        A pair that does not trade is asked for anew, as it may trade again; where that fails, it
        is as it was.

        Raises:
            TypeError: it is no str.
            UnknownSymbolError: there is none; the message names some like it.

        """
        with self._lock:
            self._keep()
            found = self._find(symbol)
            if found is None and self._age() >= _AGAIN:
                self.refresh()
                found = self._find(symbol)
            if found is not None and found.status != TRADING:
                self._look_again(found.pair)
                found = self._find(symbol)
        if found is None:
            for name in (symbol, symbol + self.quote_asset):
                if name in self._unreadable:
                    raise _not_rules(f"{name}: {self._unreadable[name]}")
            raise UnknownSymbolError(self._unknown(symbol), broker="binance")
        return found

    def last_listed(self, symbol: str) -> Listed:
        """Return the same as it was last listed; it is asked for only where it was not.

        So no question of symbols, nor one that fails, keeps orders from being cancelled.

        Raises:
            TypeError, UnknownSymbolError: as `listed`.

        """
        found = self._find(symbol)  # at once: who asks the venue may hold up others
        return self.listed(symbol) if found is None else found

    def of_pair(self, pair: str) -> Listed | None:
        """Return the pair that the venue calls so, as last listed; None where it lists none."""
        with self._lock:
            self._keep()
            return self._pairs.get(pair)

    def name_of(self, pair: str) -> str:
        """Return the symbol of a pair; of one that is not listed any more, the pair's name."""
        listed = self._pairs.get(pair)  # at once: whoever asks may hold up others
        return pair if listed is None else listed.symbol

    def refresh(self) -> None:
        """Ask for all of them now.

        Raises:
            BrokerError: the venue does not tell, or tells no rules; the old ones are kept.

        """
        with self._lock:
            self._load()
            self._loaded, self._is_good = self._clock.monotonic(), True

    def check_quote_asset(self) -> None:
        """Refuse a quote asset that nothing is priced in, as then all that is held counts 0.

        Raises:
            ValidationError: no pair is; the message names some like it.

        """
        quotes = sorted({listed.quote for listed in self._pairs.values()})
        if self.quote_asset not in quotes:
            near = near_names(self.quote_asset, quotes)
            raise ValidationError(
                f"no pair is priced in quote_asset {self.quote_asset!r:.40}"
                + (f"; did you mean {' or '.join(near)}?" if near else "")
            )

    def learn(self, error: BrokerError) -> None:
        """Ask again soon where the venue has refused an order by a rule that is not known here."""
        if error.outcome is Outcome.REJECTED and isinstance(
            error, UnknownSymbolError | MarketClosedError | OrderInvalidError
        ):
            with self._lock:
                self._is_good = False

    def _keep(self) -> None:
        """Ask for all of them where that is due; an old answer is better than none."""
        if self._is_good and self._age() < LASTING:
            return
        try:
            self.refresh()
        except BrokerError as error:
            if self._loaded is None:
                raise
            log.warning(
                "the rules of symbols were not told anew; the last ones are used: %s", error
            )
            self._loaded = self._clock.monotonic() - LASTING + _AGAIN
            self._is_good = True

    def _age(self) -> float:
        return LASTING if self._loaded is None else self._clock.monotonic() - self._loaded

    def _look_again(self, pair: str) -> None:
        try:
            self._load(symbol=pair)
        except BrokerError as error:
            log.warning(
                "the rules of %s were not told anew; the last ones are used: %s", pair, error
            )

    def _find(self, symbol: str) -> Listed | None:
        if not isinstance(symbol, str):
            raise TypeError(f"symbol is a str, got {shown(symbol)}")
        return self._by_symbol.get(symbol) or self._pairs.get(symbol)

    def _load(self, symbol: str | None = None) -> None:
        told = self._rest.public("GET", EXCHANGE_INFO, symbol=symbol, showPermissionSets=False)
        try:
            self._rest.weight.limits(told["rateLimits"])
            rows = told["symbols"]
            names = [row["symbol"] for row in rows]
        except (KeyError, TypeError, ValueError) as error:
            raise _not_rules(f"{type(error).__name__}: {error}") from error
        pairs = {} if symbol is None else dict(self._pairs)
        unreadable = {} if symbol is None else dict(self._unreadable)
        for name, row in zip(names, rows, strict=True):
            pairs.pop(name, None)
            try:
                pairs[name] = self._read(row)
            except (KeyError, TypeError, ValueError, ValidationError) as error:
                unreadable[name] = f"{type(error).__name__}: {error}"
                log.warning("%s has rules that cannot be: %s", name, unreadable[name])
        self._pairs, self._unreadable = pairs, unreadable
        self._by_symbol = {listed.symbol: listed for listed in pairs.values()}

    def _read(self, row: Mapping[str, Any]) -> Listed:
        pair, base, quote = row["symbol"], row["baseAsset"], row["quoteAsset"]
        filters = {rule["filterType"]: rule for rule in row["filters"]}
        symbol = base if quote == self.quote_asset else pair
        number = functools.partial(_limit, filters)
        notional = "NOTIONAL" if "NOTIONAL" in filters else "MIN_NOTIONAL"
        return Listed(
            instrument=Instrument(
                symbol=symbol,
                currency=quote,
                tick=number("PRICE_FILTER", "tickSize")
                or _step(row.get("quoteAssetPrecision", row.get("quotePrecision"))),
                lot=number("LOT_SIZE", "stepSize") or _step(row["baseAssetPrecision"]),
                min_quantity=number("LOT_SIZE", "minQty"),
                max_quantity=number("LOT_SIZE", "maxQty"),
                min_notional=number(notional, "minNotional"),
                max_notional=number(notional, "maxNotional"),
                venue_symbol=pair,
                shortable=False,
                tradable=row["status"] == TRADING and row.get("isSpotTradingAllowed", True),
            ),
            base=base,
            quote=quote,
            status=row["status"],
            order_types=frozenset(row["orderTypes"]),
            filters=filters,
        )

    def _unknown(self, symbol: str) -> str:
        if symbol == self.quote_asset:
            return f"{symbol} is the account's cash, not an instrument; see account()"
        inverse = self._pairs.get(self.quote_asset + symbol)
        if inverse is not None and inverse.quote == symbol:
            return (
                f"{symbol} is not priced in {self.quote_asset}; it is sold by buying {inverse.pair}"
            )
        names = [*self._by_symbol, *self._pairs]
        near = near_names(symbol, names)
        return f"{symbol!r:.40}" + (f"; did you mean {' or '.join(near)}?" if near else "")


def _not_rules(reason: str) -> BrokerProtocolError:
    return BrokerProtocolError(
        f"the venue tells rules of symbols that cannot be: {reason}",
        broker="binance",
        outcome=Outcome.NOT_SENT,
    )


def near_names(symbol: str, names: Iterable[str]) -> list[str]:
    """Return up to three names like it, the likest first."""
    unique = list(dict.fromkeys(names))
    wanted = "".join(c for c in symbol[:40].upper() if c.isalnum())
    if wanted in unique:
        return [wanted]
    return difflib.get_close_matches(wanted, unique, n=_NEAR, cutoff=0.75)


def _limit(filters: Mapping[str, Filter], filter_type: str, name: str) -> Decimal | None:
    rule = filters.get(filter_type)
    if rule is None or name not in rule:
        return None
    try:
        number = to_number(rule[name])
    except ValueError as error:
        raise ValueError(f"{name} of {filter_type} is {rule[name]!r:.40}") from error
    if number < 0:
        raise ValueError(f"{name} of {filter_type} is {number}")
    return number or None


def _step(precision: object) -> Decimal:
    if isinstance(precision, bool) or not isinstance(precision, int):
        raise TypeError(f"a precision is a whole number, got {precision!r:.40}")
    return Decimal(1).scaleb(-precision)
