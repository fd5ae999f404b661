"""A simulated Binance, from outside: a context manager that any thread may use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from nanobook_binance.simulator.feed.liquidity import Liquidity
from nanobook_binance.simulator.server.fault import Fault
from nanobook_binance.simulator.server.request_log import LoggedRequest, read_entry
from nanobook_binance.simulator.server.server import Server
from nanobook_binance.simulator.stream.connection import PING_SECONDS, PONG_SECONDS
from nanobook_binance.simulator.stream.streams import Streams
from nanobook_binance.simulator.venue import Balance, Venue, VenueOrder, VenueTrade
from nanobook_core.broker.paper_quotes import to_decimal
from nanobook_core.broker.server_thread import ServerThread
from nanobook_core.errors import ValidationError

T = TypeVar("T")
Number: TypeAlias = Decimal | int | str
"""A number, exactly: floats are refused."""

ACCOUNT = "default"
"""Name of the account unless it is said which."""
BALANCES: Mapping[str, Decimal] = {
    "USDT": Decimal(100_000),
    "BTC": Decimal(1),
    "ETH": Decimal(10),
    "BNB": Decimal(10),
}
"""What an account has unless it is said what."""


def _exact(value: Number | None, name: str) -> Decimal | None:
    return None if value is None else to_decimal(value, name)


class SimulatedBinance(ServerThread[Server]):
    """A spot exchange that real clients connect to and trade on, in a thread of its own.

    Every method may be called from any thread, also before `start` and after `stop`; what it does
    has happened at the venue when it returns. `with` starts and stops it.

    `port` 0 is any free one. `weight_limit` is per minute and address, `raw_limit` are its requests
    in five minutes, `order_limits` unfilled orders per account in ten seconds and in a day. For
    `index_lag` seconds of the venue's clock questions show nothing of an order. `log_file` is a
    file to which every request is appended, a JSON document a line, without keys and signatures.
    `quotes` is a file of `symbol,bid,ask` that is read again when it changes; `feed` is a market
    that somebody recorded, of which so much happens as `advance` lets pass, or with a `speed` as
    time passes, so many times as fast as it was. `connection_limit` is how often an address may
    open a WebSocket in five minutes; None is as often as it likes. Each is pinged every
    `ping_seconds`, and cut off where nobody has answered for `pong_seconds`. `api_key` and
    `secret_key` are of the account of that name, which is opened, with `balances`, where the venue
    has none.
    """

    def __init__(
        self,
        venue: Venue | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        weight_limit: int = 6000,
        raw_limit: int = 300_000,
        order_limits: tuple[int, int] = (100, 200_000),
        index_lag: float = 0.0,
        account: str = ACCOUNT,
        balances: Mapping[str, Number] | None = None,
        log_file: str | Path | None = None,
        quotes: str | Path | None = None,
        feed: str | Path | None = None,
        speed: float | None = None,
        connection_limit: int | None = 300,
        ping_seconds: float = PING_SECONDS,
        pong_seconds: float = PONG_SECONDS,
    ) -> None:
        for name, number in (
            ("weight_limit", weight_limit),
            ("raw_limit", raw_limit),
            ("order_limits", min(order_limits)),
        ):
            if number < 1:
                raise ValidationError(f"{name} is at least 1, got {number!r:.20}")
        if not 0 <= index_lag < float("inf"):
            raise ValidationError(f"index_lag is in seconds, at least 0, got {index_lag!r:.20}")
        self._venue = Venue() if venue is None else venue
        self._streams = Streams(
            connection_limit=connection_limit,
            ping_seconds=ping_seconds,
            pong_seconds=pong_seconds,
        )
        self._liquidity = Liquidity(
            self._venue,
            quotes=None if quotes is None else Path(quotes),
            feed=None if feed is None else Path(feed),
            speed=speed,
            told=self._streams.catch_up,
        )
        super().__init__(
            Server(
                self._venue,
                weight_limit=weight_limit,
                raw_limit=raw_limit,
                order_limits=order_limits,
                index_lag=index_lag,
                log_file=None if log_file is None else Path(log_file),
                attachments=(self._streams, self._liquidity),
            ),
            host=host,
            port=port,
            name="simulated-binance",
        )
        self.api_key, self.secret_key = (
            self.add_key(account)
            if account in self._venue.accounts
            else self.add_account(account, balances)
        )

    def __repr__(self) -> str:
        return f"SimulatedBinance(host={self.host!r}, port={self.port})"

    @property
    def url(self) -> str:
        """Where REST is, without a path."""
        return f"http://{self._address}"

    @property
    def ws_api_url(self) -> str:
        """Where the WebSocket API is."""
        return f"ws://{self._address}/ws-api/v3"

    @property
    def stream_url(self) -> str:
        """Where market streams are, without a path: `/ws/<name>` or `/stream?streams=`."""
        return f"ws://{self._address}"

    @property
    def _address(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def call(self, function: Callable[[Venue], T]) -> T:
        """Return what the function makes of the venue; nothing else touches the venue meanwhile.

        Raises whatever the function does.
        """
        return self.act(lambda: function(self._venue))

    # Accounts and keys

    def add_account(
        self, name: str, balances: Mapping[str, Number] | None = None
    ) -> tuple[str, str]:
        """API key and secret of a new account with these balances; by default well-known coins.

        Raises:
            ValidationError: there is one of that name, or an amount cannot be.

        """
        given = (
            BALANCES
            if balances is None
            else {asset: to_decimal(amount, asset) for asset, amount in balances.items()}
        )
        self.call(lambda venue: venue.open_account(name, given))
        return self.add_key(name)

    def add_key(
        self,
        account: str = ACCOUNT,
        kind: str = "hmac",
        public_key: str | bytes | None = None,
        permissions: tuple[str, ...] = ("read", "trade"),
        *,
        expired: bool = False,
    ) -> tuple[str, str]:
        """Another API key of an account, and its secret, which is empty with a public key.

        Of kind `ed25519` and `rsa` the public key, in PEM, is that with which signatures are
        checked.

        Raises:
            ValidationError: there is no such account, kind or permission, or no such public key.

        """
        if account not in self._venue.accounts:
            raise ValidationError(
                f"no account {account!r:.40}; there are {', '.join(self._venue.accounts)}"
            )
        return self.act(
            lambda: self._server.keys.add(account, kind, public_key, permissions, expired=expired)
        )

    def revoke_key(self, api_key: str) -> None:
        """Let a key open nothing any more."""
        self.act(lambda: self._server.keys.revoke(api_key))

    # The market

    def set_quote(
        self,
        symbol: str,
        bid: Number | None,
        ask: Number | None,
        *,
        bid_size: Number | None = None,
        ask_size: Number | None = None,
        last: Number | None = None,
    ) -> None:
        """Let the liquidity source offer that; None is no price, or any size.

        Raises:
            ValidationError: see `Venue.set_quote`.

        """
        prices, sizes = (_exact(bid, "bid"), _exact(ask, "ask")), {"bid_size": bid_size}
        given = {
            name: _exact(value, name)
            for name, value in {**sizes, "ask_size": ask_size, "last": last}.items()
        }
        self.call(lambda venue: venue.set_quote(symbol, *prices, **given))

    def withdraw_quote(self, symbol: str) -> None:
        """Let the liquidity source offer nothing."""
        self.call(lambda venue: venue.withdraw_quote(symbol))

    def set_status(self, symbol: str, status: str) -> None:
        """Let a symbol be TRADING, HALT, BREAK, END_OF_DAY or CANCEL_ONLY."""
        self.call(lambda venue: venue.set_status(symbol, status))

    def fill(
        self,
        order_id: int,
        quantity: Number | None = None,
        *,
        symbol: str,
        account: str = ACCOUNT,
    ) -> None:
        """Let somebody else trade with a resting order at its limit; None is all that is left.

        Raises:
            ValidationError: no such order rests, or no such quantity of it.

        """
        amount = _exact(quantity, "quantity")

        def act(venue: Venue) -> None:
            left = venue.order(account, symbol, order_id).remaining if amount is None else amount
            venue.fill(account, order_id, left, symbol=symbol)

        self.call(act)

    def server_cancel(self, symbol: str, order_id: int) -> None:
        """Let the exchange itself cancel an order."""
        self.call(lambda venue: venue.server_cancel(symbol, order_id))

    def deposit(self, asset: str, amount: Number, *, account: str = ACCOUNT) -> None:
        """Give an account so much."""
        exact = to_decimal(amount, "amount")
        self.call(lambda venue: venue.deposit(account, asset, exact))

    def withdraw(self, asset: str, amount: Number, *, account: str = ACCOUNT) -> None:
        """Take so much that is free from an account."""
        exact = to_decimal(amount, "amount")
        self.call(lambda venue: venue.withdraw(account, asset, exact))

    def orders(self, account: str = ACCOUNT) -> list[VenueOrder]:
        """All orders of an account, by symbol and number."""
        return self.call(
            lambda venue: [
                order
                for rules in venue.symbols
                for order in venue.all_orders(account, rules.symbol)
            ]
        )

    def trades(self, account: str = ACCOUNT) -> list[VenueTrade]:
        """All trades of an account, by symbol and number."""
        return self.call(
            lambda venue: [
                trade for rules in venue.symbols for trade in venue.trades(account, rules.symbol)
            ]
        )

    def balances(self, account: str = ACCOUNT) -> Mapping[str, Balance]:
        """What an account has, by asset."""
        return self.call(lambda venue: venue.balances(account))

    # Time, connections, faults

    def advance(self, seconds: float) -> None:
        """Let so much time pass on the venue's clock at once, and what a feed has of it happen.

        Raises:
            ValidationError: it is below 0, or not finite; or the feed cannot be read further.

        """

        def act() -> None:
            self._liquidity.advance(seconds)
            self._streams.catch_up()

        self.act(act)

    def skew(self, seconds: float) -> None:
        """Let the venue's clock be so far ahead of the right time, behind where it is below 0.

        All its times are by it then, those of orders and trades too.

        Raises:
            ValidationError: it is not finite.

        """
        self.call(lambda venue: venue.set_skew(seconds))

    def shut_down(self) -> None:
        """Say on all streams that the server shuts down, and cut them."""
        self.act(self._streams.shut_down)

    def drop_streams(self) -> None:
        """Cut the connections of all streams and of the WebSocket API."""
        self.act(self._server.drop_streams)

    def drop(self) -> None:
        """Cut all connections."""
        self.act(self._server.drop)

    def refuse(self, seconds: float) -> None:
        """Cut all connections, and refuse new ones for so many seconds."""
        self.act(lambda: self._server.refuse(seconds))

    @property
    def log(self) -> tuple[LoggedRequest, ...]:
        """The latest requests, oldest first: 100,000 at most, and what 64 MB hold."""
        return tuple(map(read_entry, self.act(self._server.log.documents)))

    def inject(
        self,
        fault: Fault | str,
        endpoint: str | None = None,
        *,
        times: int | None = None,
        after: int = 0,
        **how: Any,
    ) -> None:
        """Plan a fault: see `Fault` for its occasion and for what can be said of it.

        It passes over `after` occasions, those among them on which other faults happen, and happens
        on the next `times`; None is one, and for a setting all until it is cleared. Of those that
        come in an answer's way one happens at a time; the others wait for the next occasion.
        `endpoint` is one such as `"GET /api/v3/order"`, or `"*"`.
        What cannot happen when its occasion comes is raised by `stop`.

        Raises:
            ValidationError: there is no such fault, or none of which that can be said; or the
                symbol is not listed.

        """

        def act() -> None:
            listed = [rules.symbol for rules in self._venue.symbols]
            symbol = how.get("symbol")
            if isinstance(symbol, str) and symbol not in listed:
                raise ValidationError(
                    f"{symbol!r:.40} is not listed; there are {', '.join(listed)}"
                )
            self._server.script.plan_for(endpoint, fault, times=times, after=after, how=how)

        self.act(act)

    def clear_faults(self) -> None:
        """Plan none any more."""
        self.act(self._server.script.clear)
