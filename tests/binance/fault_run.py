"""A session with the simulated venue that is drawn from a seed, and its evidence."""

from __future__ import annotations

import socket
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, ClassVar, Self

from tests.binance.evidence import Evidence, Placed, Truth, VenueTrade
from tests.binance.evidence import VenueOrder as TrueOrder
from tests.binance.program import (
    ACCOUNT,
    NAMES,
    OTHER,
    PAIRS,
    BinanceProgram,
    Make,
    be_patient,
    make_broker,
)
from tests.fault.caller import HungError
from tests.fault.evidence import HANG, Violation

from nanobook_binance.simulator import SimulatedBinance
from nanobook_binance.simulator.venue import OrderRequest, Refusal, Venue, VenueListener, VenueOrder
from nanobook_core.contracts import BrokerError, ConnectionState, OrderState, RateLimitedError
from nanobook_core.errors import ValidationError

#: Of a broker that has lost its connection, after the port is open again.
RECONNECT = 30.0
#: Seconds, longer than any limit or ban lasts, and than a request may be on its way.
LONG = 75


class Arrivals(VenueListener):
    """How many requests had been answered when each order came."""

    def __init__(self, venue: SimulatedBinance) -> None:
        self._venue = venue
        self.at: dict[str, int] = {}
        """By client order id; of the first order of it."""

    def order_changed(self, account: str, order: VenueOrder, *_: object) -> None:
        """Note an order that is new."""
        if account == ACCOUNT:
            self.at.setdefault(order.client_order_id, len(self._venue._server.log.documents()))


class FaultRun(BinanceProgram):
    """A program on a venue of its own, on which others trade too."""

    weights: ClassVar[Mapping[str, float]] = {
        "submit": 10,
        "crowd": 1,
        "submit_again": 2,
        "cancel": 3,
        "cancel_all": 0.5,
        "halted": 0.3,
        "symbol_halted": 0.5,
        "look": 4,
        "resync": 1,
        "reconnect": 0.5,
        "restart": 0.5,
        "forget": 0.5,
        "another_program": 0.5,
        "move": 3,
        "somebody_trades": 4,
        "foreign": 1,
        "server_cancels": 0.5,
        "amended_by_hand": 0.5,
        "traded_with_by_hand": 0.5,
        "deposit": 1,
        "streams_break": 0.5,
        "pause": 2,
    }

    def __init__(self, folder: Path, seed: str, make: Make = make_broker) -> None:
        random = Random(seed)  # noqa: S311 - no secrets
        venue = SimulatedBinance(Venue(bnb_discount=random.random() < 0.3))
        super().__init__(venue, folder, random, make)
        self.arrivals = Arrivals(self.venue)

    def __enter__(self) -> Self:
        self.venue.__enter__()
        self.venue.call(lambda venue: venue.listeners.append(self.arrivals))
        for asset, amount in {"ETH": 10, "PEPE": 10**9}.items():
            self.venue.deposit(asset, amount)
        much = {asset: Decimal(10**9) for asset in ("USDT", "BTC", "ETH", "PEPE")}
        self.venue.call(lambda venue: venue.open_account(OTHER, much))
        for symbol in PAIRS:
            self.quote(symbol)
        self.start_broker()
        for _ in range(20):  # attempts, on a busy machine; no fault is there yet
            if self._is_ready():
                break
            self.connect()
        assert self._is_ready()
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self.call("disconnect", self.broker.disconnect)
        except HungError:
            pass
        finally:
            self.venue.__exit__(None, None, None)

    def forget(self) -> None:
        """Lose the program's records: by the time it works again, the venue tells of all."""
        self.venue.advance(10)
        super().forget()

    def quote(self, symbol: str, *, whole: bool = False) -> None:
        """Let the market be at its bid, sometimes with less than an order may want."""
        pair, bid = PAIRS[symbol], self.bids[symbol]
        few = self.random.randint(*pair.lots) * pair.lot
        sizes = {
            side: few
            for side in ("bid_size", "ask_size")
            if not whole and self.random.random() < 0.3
        }
        self.venue.set_quote(pair.venue_symbol, bid, bid + 2 * pair.tick, **sizes)

    def move(self) -> None:
        """Move the market of a symbol by some ticks, through the limits of some orders."""
        symbol = self.random.choice(self.symbols)
        self.bids[symbol] += self.random.randint(-6, 6) * PAIRS[symbol].tick
        self.quote(symbol)

    def somebody_trades(self) -> None:
        """Fill a part of a resting order, or all of it."""
        if resting := self.resting():
            order = self.random.choice(resting)
            lot = PAIRS[NAMES[order.symbol]].lot
            quantity = self.random.randint(1, int(order.remaining / lot)) * lot
            with suppress(ValidationError):  # it may have ended meanwhile
                self.venue.fill(order.order_id, quantity, symbol=order.symbol)

    def foreign(self) -> None:
        """Somebody orders in the same account by hand."""
        symbol, away = self.random.choice(self.symbols), self.random.randint(-1, 9)
        pair = PAIRS[symbol]
        request = OrderRequest(
            symbol=pair.venue_symbol,
            side="BUY",
            type="LIMIT",
            time_in_force="GTC",
            quantity=self.random.randint(*pair.lots) * pair.lot,
            price=self.bids[symbol] - away * pair.tick,
            client_order_id=f"web_{self.random.randrange(10**9)}",
        )
        with suppress(Refusal):  # it may not trade now
            self.venue.call(lambda venue: venue.place(ACCOUNT, request))

    def amended_by_hand(self) -> None:
        """Somebody makes an order smaller, which gives it another client order id."""
        known = [each for each in self.resting() if each.client_order_id in self.remembered]
        if known:
            order = self.random.choice(known)
            self.renamed.add(order.client_order_id)
            lot = PAIRS[NAMES[order.symbol]].lot
            quantity = order.quantity - self.random.randint(1, int(order.remaining / lot)) * lot
            with suppress(Refusal, ValidationError):  # too little may be left of it
                self.venue.call(
                    lambda venue: venue.amend(
                        ACCOUNT, order.symbol, order.order_id, quantity=quantity
                    )
                )

    def traded_with_by_hand(self) -> None:
        """Somebody trades with an order from the same account: both sides are one trade."""
        if resting := self.resting():
            order = self.random.choice(resting)
            request = OrderRequest(
                symbol=order.symbol,
                side="SELL" if order.side == "BUY" else "BUY",
                type="LIMIT",
                time_in_force="IOC",
                quantity=order.remaining,
                price=order.price,
                client_order_id=f"web_{self.random.randrange(10**9)}",
                self_trade_prevention_mode="NONE",
            )
            with suppress(Refusal):
                self.venue.call(lambda venue: venue.place(ACCOUNT, request))

    def server_cancels(self) -> None:
        """The exchange cancels an order."""
        if resting := self.resting():
            order = self.random.choice(resting)
            with suppress(ValidationError):
                self.venue.server_cancel(order.symbol, order.order_id)

    def symbol_halted(self) -> None:
        """Submit an order, and cancel one, while the symbols do not trade."""
        status = self.random.choice(["HALT", "BREAK", "CANCEL_ONLY"])
        for pair in PAIRS.values():
            self.venue.set_status(pair.venue_symbol, status)
        self.submit()
        self.cancel()
        self.trade()

    def trade(self) -> None:
        """Let all symbols trade."""
        for pair in PAIRS.values():
            self.venue.set_status(pair.venue_symbol, "TRADING")

    def deposit(self) -> None:
        """Something comes into the account, of which no order knows."""
        asset = self.random.choice(["USDT", "BTC", "PEPE", "BNB"])
        amount = self.random.randint(1, 10**8) * Decimal("1E-8")
        self.venue.deposit(asset, amount)

    def streams_break(self) -> None:
        """Cut the stream of events, and go on at once."""
        self.venue.drop_streams()

    def pause(self) -> None:
        """Let a moment pass."""
        time.sleep(self.random.uniform(0.005, 0.05))

    def settle(self) -> None:
        """Mend everything, wait for the connection, and compare for the last time."""
        self.venue.clear_faults()
        be_patient(self.broker)
        self._wait_for_port()
        self.trade()
        for symbol in PAIRS:
            self.quote(symbol, whole=True)
        if self.venue._server.keys.find(self.venue.api_key) is None:  # it was revoked
            self.venue.api_key, self.venue.secret_key = self.venue.add_key()
            self.restart()
            be_patient(self.broker)
        self.venue.advance(LONG)
        errors = []
        if self.random.random() < 0.7:
            errors.append(self.connect())  # which hurries, where it would be tried again later
        end = time.monotonic() + RECONNECT
        while not self._is_ready() and time.monotonic() < end:
            if self._state() is ConnectionState.DISCONNECTED:
                errors.append(self.connect())
            time.sleep(0.1)
        if not self._is_ready():
            text = f"not connected though all is well: {self.broker.connection()}, {errors[:3]}"
            self.violations.append(Violation(HANG, text))
        self.venue.advance(LONG)  # since when a new connection takes orders to be on their way
        self._ask_for_doubtful()
        report = self.resync()
        while isinstance(report, RateLimitedError) and time.monotonic() < end:
            time.sleep(report.retry_after or 0.1)
            report = self.resync()
        if isinstance(report, BrokerError):
            self.violations.append(Violation(HANG, f"no resync though all is well: {report!r}"))
        else:
            self.report = report

    def _wait_for_port(self) -> None:
        """Return once the venue can be reached."""
        while True:
            with suppress(OSError), socket.create_connection((self.venue.host, self.venue.port)):
                return
            time.sleep(0.01)

    def _ask_for_doubtful(self) -> None:
        """Ask for what may have come, as long as it takes: now that can be known."""
        for ref in sorted(self.remembered):
            status = self.status(ref)
            if getattr(status, "state", None) is OrderState.UNKNOWN:
                self.call("find_order", lambda ref=ref: self.broker.find_order(ref))

    def _state(self) -> ConnectionState:
        state: ConnectionState = self.broker.connection().state
        return state

    def _is_ready(self) -> bool:
        return self._state() is ConnectionState.READY

    def evidence(self) -> Evidence:
        """All that there is to judge."""
        return Evidence(
            asked=tuple(self.asked),
            remembered=frozenset(self.remembered),
            truth=self.truth(),
            told=self.told(),
            violations=tuple(self.violations),
        )

    def truth(self) -> Truth:
        """What the venue knows."""
        balances = self.venue.balances(ACCOUNT)
        return Truth(
            orders=tuple(map(self._true_order, self.venue.orders(ACCOUNT))),
            trades=tuple(map(true_trade, self.venue.trades(ACCOUNT))),
            balances={
                asset: (each.free, each.locked)
                for asset, each in balances.items()
                if each.free or each.locked
            },
            placed=tuple(self._placed()),
        )

    def _true_order(self, order: VenueOrder) -> TrueOrder:
        """An order in the judge's words."""
        amended = self.venue.call(
            lambda venue: venue.amendments(ACCOUNT, order.symbol, order.order_id)
        )
        return TrueOrder(
            symbol=NAMES[order.symbol],
            number=order.order_id,
            client_order_id=(
                amended[0].former_client_order_id if amended else order.client_order_id
            ),
            side=order.side.lower(),
            kind=str(order.type),
            tif=order.time_in_force,
            asked=amended[0].former_quantity if amended else order.quantity,
            quantity=order.quantity,
            limit_price=order.price or None,
            stop_price=order.stop_price or None,
            status=str(order.status),
            filled=order.executed,
            quote_filled=order.quote_executed,
        )

    def _placed(self) -> list[Placed]:
        """Each order that was sent, with whether one came of it.

        It is the first request that was answered, or cut off, after the order came.
        """
        found: list[Placed] = []
        taken: dict[str, int] = defaultdict(int)
        for number, request in enumerate(self.venue.log):
            if (request.method, request.path) != ("POST", "/api/v3/order"):
                continue
            ref = request.parameters["newClientOrderId"]
            is_taken = number >= self.arrivals.at.get(ref, 10**9) and not taken[ref]
            taken[ref] += is_taken
            found.append(Placed(client_order_id=ref, is_taken=is_taken))
        return found


def true_trade(trade: Any) -> VenueTrade:
    """A trade in the judge's words."""
    return VenueTrade(
        symbol=NAMES[trade.symbol],
        number=trade.trade_id,
        order=trade.order_id,
        side=trade.side.lower(),
        quantity=trade.quantity,
        price=trade.price,
        fee=trade.commission,
        fee_currency=trade.commission_asset,
        is_maker=trade.is_maker,
    )
