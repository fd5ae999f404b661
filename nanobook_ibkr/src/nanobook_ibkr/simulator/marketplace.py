"""Contracts, books and accounts, and what happens to them around the clients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from types import MappingProxyType

from attrs import evolve

from nanobook_core.broker.announcer import Announcer
from nanobook_core.contracts.clock import Clock, SystemClock
from nanobook_core.errors import ValidationError
from nanobook_ibkr.simulator.account import Account
from nanobook_ibkr.simulator.clearing import Clearing
from nanobook_ibkr.simulator.commission import Commission, per_share
from nanobook_ibkr.simulator.desk import Desk
from nanobook_ibkr.simulator.floor import Floor
from nanobook_ibkr.simulator.group import Groups
from nanobook_ibkr.simulator.instruments import Instruments, default_listings
from nanobook_ibkr.simulator.listener import VenueListener
from nanobook_ibkr.simulator.margin import Margin
from nanobook_ibkr.simulator.market import Market, Match
from nanobook_ibkr.simulator.order_check import is_number
from nanobook_ibkr.simulator.record import (
    ContractDefinition,
    Top,
    VenueExecution,
)
from nanobook_ibkr.simulator.reservations import Reservations
from nanobook_ibkr.simulator.roster import Roster
from nanobook_ibkr.simulator.settings import check_settings
from nanobook_ibkr.simulator.source_quote import SourceQuote

_CASH: Mapping[str, Decimal] = MappingProxyType({"DU1234567": Decimal(1_000_000)})
_RATES: Mapping[str, Decimal] = MappingProxyType({"USD": Decimal(1)})

_FIRST_PERM_ID = 1853000001
_SERIES = 0xE0D5
"""First part of the execution ids of a venue whose first order has that number."""

#: A symbol, or a contract id where a symbol has several contracts.
Contract = str | int | ContractDefinition


class Marketplace:
    """The market that clients of a venue come to; every call is a request that is done at once."""

    def __init__(
        self,
        definitions: Iterable[ContractDefinition] | None = None,
        *,
        cash: Mapping[str, Decimal] = _CASH,
        clock: Clock | None = None,
        commission: Commission = per_share,
        leverage: Decimal = Decimal(4),
        rates: Mapping[str, Decimal] = _RATES,
        max_active_orders: int | None = None,
        first_perm_id: int = _FIRST_PERM_ID,
    ) -> None:
        listings = default_listings() if definitions is None else ()
        self._clock = clock or SystemClock()
        self._rates = {"USD": Decimal(1), **rates}
        check_settings(cash, leverage, self._rates, max_active_orders, first_perm_id)
        self._accounts = {name: Account(name, {"USD": money}) for name, money in cash.items()}
        self._instruments = Instruments(())
        self._markets: dict[int, Market] = {}
        self._announcer: Announcer[VenueListener] = Announcer()
        self.listeners: list[VenueListener] = self._announcer.listeners
        self._clearing = Clearing(
            self._clock,
            self._accounts,
            commission,
            self._announcer,
            _SERIES + first_perm_id - _FIRST_PERM_ID,
        )
        reservations, self._groups = Reservations(), Groups()
        self._margin = Margin(
            leverage=leverage,
            rates=self._rates,
            markets=self._markets,
            reservations=reservations,
            commission=commission,
        )
        self._roster = Roster(
            clock=self._clock,
            reservations=reservations,
            groups=self._groups,
            announcer=self._announcer,
        )
        self._floor = Floor(
            clock=self._clock,
            roster=self._roster,
            clearing=self._clearing,
            margin=self._margin,
            reservations=reservations,
        )
        self._desk = Desk(
            clock=self._clock,
            instruments=self._instruments,
            markets=self._markets,
            accounts=self._accounts,
            roster=self._roster,
            margin=self._margin,
            groups=self._groups,
            first_perm_id=first_perm_id,
            max_active_orders=max_active_orders,
        )
        if definitions is None:
            definitions = [each.definition for each in listings]
        for definition in definitions:
            self.add_contract(definition)
        for listing in listings:
            self.set_quote(listing.definition, listing.bid, listing.ask)
            self._markets[listing.definition.con_id].close_at(listing.bid)

    def top(self, contract: Contract) -> Top:
        """Best prices of a contract's book, and its tape.

        Raises:
            ValidationError: it is not listed, or its symbol has several contracts.

        """
        return self._market(contract).top()

    def add_contract(self, definition: ContractDefinition) -> None:
        """List another contract; it has no quote yet.

        Raises:
            ValidationError: it cannot be traded as it is, its currency has no rate, its contract id
                is taken, or its market rule has other steps.

        """
        self.check_currency(definition)
        market = Market(definition)
        self._instruments.add(definition)
        self._markets[definition.con_id] = market

    def check_currency(self, definition: ContractDefinition) -> None:
        """Refuse a contract in a currency without a rate.

        Raises:
            ValidationError: there is none.

        """
        if definition.currency not in self._rates:
            raise ValidationError(
                f"{definition.symbol} is in {definition.currency}; give its rate in `rates`"
            )

    def set_quote(
        self,
        contract: Contract,
        bid: Decimal | None,
        ask: Decimal | None,
        *,
        bid_size: Decimal | None = None,
        ask_size: Decimal | None = None,
        last: Decimal | None = None,
        volume: Decimal | None = None,
    ) -> None:
        """Let the liquidity source offer this instead of what it offered before.

        It trades at once with the clients' orders that it meets, at their prices. A size is what
        can be had in all; None is any quantity. Without a last price the last one is moved to the
        touch that it is beyond.

        Raises:
            ValidationError: prices cross or are off the tick, sizes off the lot, the last price is
                not above 0, or it is not listed; nothing has changed.

        """
        market = self._market(contract)
        quote = SourceQuote(
            bid=bid, ask=ask, bid_size=bid_size, ask_size=ask_size, last=last, volume=volume
        )
        quote.check(market.rules)
        with self._request():
            self._floor.post(market, quote)

    def withdraw_quote(self, contract: Contract) -> None:
        """Let the liquidity source offer nothing there."""
        self.set_quote(contract, None, None)

    def withdraw_bid(self, contract: Contract) -> None:
        """Let the liquidity source offer only what it asks; bids of clients stay."""
        with self._request():
            market = self._market(contract)
            self._floor.post(market, evolve(market.quote, bid=None, bid_size=None))

    def halt(self, contract: Contract, kind: int = 1) -> None:
        """Stop trading: 1 in general, 2 for volatility. Orders are taken and held back.

        Raises:
            ValidationError: it is neither of them, or not listed.

        """
        if kind not in (1, 2):
            raise ValidationError(f"a halt is 1, general, or 2, for volatility; got {kind!r:.20}")
        with self._request():
            market = self._market(contract)
            market.halted = kind
            market.is_told = False

    def resume(self, contract: Contract) -> None:
        """Go on trading: first with the source's quote, then with the orders held back."""
        with self._request():
            self._floor.resume(self._market(contract))

    def set_shortable(self, contract: Contract, *, is_shortable: bool) -> None:
        """Say whether shares can be borrowed; orders that were held for it go on."""
        with self._request():
            market = self._market(contract)
            market.is_shortable = is_shortable
            self._floor.reconsider(market)

    def deposit(
        self, account: str, contract: Contract, quantity: Decimal, avg_cost: Decimal
    ) -> None:
        """Transfer a position in, or out if negative; no money moves.

        Raises:
            ValidationError: the quantity is 0 or off the lot, the cost is below 0, or there is no
                such account or contract; nothing has changed.

        """
        market, holder = self._market(contract), self._account(account)
        if not market.rules.to_lots(quantity):
            raise ValidationError(f"{market.definition.symbol}: a transfer is not of 0")
        if not (is_number(avg_cost) and avg_cost >= 0):
            raise ValidationError(f"a cost is finite and not below 0, got {avg_cost!s:.40}")
        with self._request():
            holder.deposit(market.definition, quantity, avg_cost)
            self._announcer.tell("position_changed", self._clearing.position(market, account))
            self._announcer.tell("account_changed", account)

    def fill(self, perm_id: int, quantity: Decimal) -> None:
        """Let somebody else trade so much with an order that rests, at its limit.

        Orders that are before it stay as they are.

        Raises:
            ValidationError: it does not rest in a book that trades, or has less left.

        """
        working = self._roster.orders.get(perm_id)
        if working is None or working.book_id is None or working.limit is None:
            raise ValidationError(f"order {perm_id} does not rest in the book")
        if working.market.halted:
            raise ValidationError(f"order {perm_id}: trading is halted")
        working.market.rules.to_lots(quantity)
        if not 0 < quantity <= working.remaining:
            raise ValidationError(f"order {perm_id} has {working.remaining} left, got {quantity}")
        with self._request():
            working.market.reduce(working.book_id, quantity)
            match = Match(working.limit, quantity, perm_id)
            self._floor.matched(working.market, match, working.side.opposite, None)

    def correct(
        self, exec_id: str, *, quantity: Decimal | None = None, price: Decimal | None = None
    ) -> VenueExecution:
        """Correct an execution of today: it gets a new id, `.01` becomes `.02`.

        Its commission stays; what is open of a live order follows.

        Raises:
            ValidationError: there is none of that id, or such numbers cannot be.

        """
        execution = self._clearing.executions.get(exec_id)
        if execution is None:
            raise ValidationError(f"there is no execution {exec_id} of today")
        with self._request():
            working = self._roster.orders[execution.perm_id]
            return self._floor.correct(working, exec_id, quantity, price)

    def expire(self) -> None:
        """End the orders whose good-till-date is over; every request does so first."""
        with self._request():
            pass

    def end_of_day(self) -> None:
        """End DAY orders; then forget executions and orders that are over."""
        with self._request():
            for working in list(self._roster.live.values()):
                if working.order.form.tif == "DAY":
                    self._roster.end(working)
            self._clearing.end_day()
            self._desk.forget()
            self._groups.end_day()
            for market in self._markets.values():
                market.end_day()
            for account in self._accounts:
                self._announcer.tell("account_changed", account)

    @contextmanager
    def _request(self) -> Iterator[None]:
        now = self._clock.now()
        for working in list(self._roster.expiring.values()):
            if working.expires is not None and working.expires <= now:
                self._roster.end(working)
        try:
            yield
        finally:
            self._floor.settle()
            for market in self._markets.values():
                if not market.is_told:
                    market.is_told = True
                    self._announcer.tell("top_changed", market.definition)
            self._announcer.deliver()

    def _market(self, contract: Contract) -> Market:
        return self._markets[self._instruments.one(contract).con_id]

    def _account(self, name: str) -> Account:
        found = self._accounts.get(name)
        if found is None:
            raise ValidationError(
                f"there is no account {name!r:.20}; there are {', '.join(self._accounts)}"
            )
        return found
