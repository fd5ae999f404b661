"""What the account holds, and what it is worth in its quote asset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Literal

from attrs import frozen

from nanobook_binance.quote import BOOK_TICKER, price, rows_of, word
from nanobook_binance.rest import Rest
from nanobook_binance.symbol import TRADING, Symbols
from nanobook_core.broker.exact import QUOTIENT, product, total
from nanobook_core.contracts.clock import Clock
from nanobook_core.contracts.holding import Account, Balance, BrokerPosition

ACCOUNT = "/api/v3/account"
#: Assets that most others trade against, the likest to have a price first.
BRIDGES = ("USDT", "USDC", "FDUSD", "BTC", "ETH", "BNB")
_TWO = Decimal(2)


@frozen
class Rate:
    """Value of one unit of an asset, and whether that took a guess."""

    value: Decimal
    is_estimated: bool = False


class Rates:
    """Values of assets in the quote asset, by the touch of the venue's pairs."""

    def __init__(self, symbols: Symbols, touches: Mapping[str, tuple[Decimal, Decimal]]) -> None:
        """Take the best bid and ask by pair; a side that is empty is 0."""
        self._symbols = symbols
        self._touches = touches

    def rate(self, asset: str) -> Rate | None:
        """Return the value of one unit; None where no pair leads from it to the quote asset.

        The mid of the direct pair, or one by the mid of the inverse one; else by the mids of two
        pairs with one asset between. Where no way has both sides, what a sale would bring: an ask
        alone is what somebody would like to have for it, and no value. All but the first is an
        estimate, and that too where the pair did not trade when it was last listed.
        """
        home = self._symbols.quote_asset
        if asset == home:
            return Rate(Decimal(1))
        for by_sale in (False, True):
            found = self._between(asset, home, by_sale=by_sale)
            found = found or self._roundabout(asset, home, by_sale=by_sale)
            if found is not None:
                return found
        return None

    def _roundabout(self, asset: str, home: str, *, by_sale: bool) -> Rate | None:
        for bridge in BRIDGES:
            if bridge in (asset, home):
                continue
            first = self._between(asset, bridge, by_sale=by_sale)
            second = self._between(bridge, home, by_sale=by_sale)
            if first is not None and second is not None:
                value = QUOTIENT.multiply(first.value, second.value)
                return Rate(value, is_estimated=True)
        return None

    def _between(self, asset: str, home: str, *, by_sale: bool) -> Rate | None:
        direct = self._price(asset, home, at="bid" if by_sale else "mid")
        if direct is not None:
            return direct
        inverse = self._price(home, asset, at="ask" if by_sale else "mid")
        if inverse is None:
            return None
        return Rate(QUOTIENT.divide(Decimal(1), inverse.value), inverse.is_estimated)

    def _price(self, base: str, quote: str, *, at: Literal["bid", "ask", "mid"]) -> Rate | None:
        pair = base + quote
        listed = self._symbols.of_pair(pair)
        if listed is None or (listed.base, listed.quote) != (base, quote):
            return None
        bid, ask = self._touches.get(pair, (Decimal(0), Decimal(0)))
        if at == "mid":
            if not (bid and ask):
                return None
            return Rate(QUOTIENT.divide(total(bid, ask), _TWO), listed.status != TRADING)
        value = bid if at == "bid" else ask
        return Rate(value, is_estimated=True) if value else None


def read_balances(told: Any) -> tuple[Balance, ...]:
    """Return the balances of an answer about the account, by asset; those of 0 are left out.

    Raises:
        BrokerProtocolError: they cannot be read.

    """
    balances = [
        Balance(currency=word(row, "asset"), free=price(row, "free"), locked=price(row, "locked"))
        for row in rows_of(told.get("balances") if isinstance(told, dict) else None, "balances")
    ]
    held = (balance for balance in balances if balance.free or balance.locked)
    return tuple(sorted(held, key=lambda balance: balance.currency))


class Holdings:
    """Questions for what the account holds."""

    def __init__(self, rest: Rest, symbols: Symbols, clock: Clock) -> None:
        """Ask nothing yet."""
        self._rest = rest
        self._symbols = symbols
        self._clock = clock

    def balances(self) -> tuple[Balance, ...]:
        """What is free and what is locked of each asset, as the venue tells it now."""
        return read_balances(self._rest.signed("GET", ACCOUNT, omitZeroBalances=True))

    def account(self) -> Account:
        """Money in the quote asset: all balances valued, the cash of it, and what of that is free.

        `is_estimated` where a value took a bridge, one side of a pair, or a pair that does not
        trade, or where there is none, so that a balance counts nothing; `rates` has those that
        there are.
        """
        told = self._rest.signed("GET", ACCOUNT, omitZeroBalances=True)
        balances = read_balances(told)
        home = self._symbols.quote_asset
        rates = self._rates(balances)
        none = Balance(currency=home, free=Decimal(0))
        cash = next((one for one in balances if one.currency == home), none)
        worth = [
            product(total(one.free, one.locked), rate.value)
            for one in balances
            if one.currency != home and (rate := rates[one.currency]) is not None
        ]
        return Account(
            equity=total(*worth, cash.free, cash.locked),
            cash=total(cash.free, cash.locked),
            buying_power=cash.free,
            gross_position_value=total(*worth),
            currency=home,
            account_id=str(told.get("uid", "")),
            balances=balances,
            as_of=self._clock.now(),
            is_estimated=any(rate is None or rate.is_estimated for rate in rates.values()),
            rates={
                asset: rate.value
                for asset, rate in rates.items()
                if rate is not None and asset != home
            },
        )

    def positions(self) -> list[BrokerPosition]:
        """Every asset but the quote asset, free and locked, in the order of their symbols.

        Valued in the quote asset; 0 where the venue has no price that leads there. The venue tells
        no cost. An asset that the quote asset is priced in (TRY, as of USDTTRY) is no instrument:
        it is sold by buying that pair.
        """
        balances = self.balances()
        rates = self._rates(balances)
        positions = []
        for one in balances:
            if one.currency == self._symbols.quote_asset:
                continue
            quantity, rate = total(one.free, one.locked), rates[one.currency]
            positions.append(
                BrokerPosition(
                    symbol=one.currency,
                    quantity=quantity,
                    market_value=Decimal(0) if rate is None else product(quantity, rate.value),
                    currency=self._symbols.quote_asset,
                )
            )
        return sorted(positions, key=lambda position: position.symbol)

    def _rates(self, balances: Iterable[Balance]) -> dict[str, Rate | None]:
        assets = [balance.currency for balance in balances]
        if all(asset == self._symbols.quote_asset for asset in assets):
            return {asset: Rate(Decimal(1)) for asset in assets}
        touches = {
            word(row, "symbol"): (price(row, "bidPrice"), price(row, "askPrice"))
            for row in rows_of(self._rest.public("GET", BOOK_TICKER), "prices")
        }
        rates = Rates(self._symbols, touches)
        return {asset: rates.rate(asset) for asset in assets}
