"""What a matching engine must do; docs/order_book.md says the same at length."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from attrs import frozen

from nanobook_core.contracts.book import (
    BookSnapshot,
    CancelAllResult,
    CancelResult,
    ModifyResult,
    Order,
    StopOrder,
    StopSubmitResult,
    SubmitResult,
    Trade,
)
from nanobook_core.contracts.event import Event
from nanobook_core.contracts.frame import to_frame
from nanobook_core.types import StopTrigger, TrailMethod

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@frozen(kw_only=True)
class EngineState:
    """Everything that decides what an exchange does next; not its history, not its log."""

    stop_trigger: StopTrigger
    next_order_id: int
    next_trade_id: int
    timestamp: int
    """The last one given out; 0 before any."""
    last_trade_price: int | None
    orders: tuple[Order, ...]
    """Live ones: bids from the best price on, then asks, each level in queue order."""
    stops: tuple[StopOrder, ...]
    """Pending ones, and those elected and not yet run, by id."""
    elected: tuple[int, ...]
    """Ids of the stops that run first at the next request, in that order."""
    atr_price: int | None
    """The price that the next ATR sample is measured from."""
    atr_samples: tuple[int, ...]
    """Oldest first, the newest 10,000 at most."""


@frozen(eq=False, kw_only=True)
class ApplyResult:
    """What became of each row of a batch: arrays of one entry a row.

    status : u1, a position in `ROW_STATUS`: New, PartiallyFilled, Filled, Cancelled, Pending,
        Triggered, Rejected
    error : u1, a position in `ROW_ERROR`, why it was rejected: 0 none, 1 OrderNotFound,
        2 OrderNotActive, 3 InvalidQuantity, 4 LevelOverflow
    order_id : i8, of the order or stop that the row made, of a modify's replacement; else the one
        that it named
    filled, cancelled : i8, as in the single call's result; `cancelled` at most 2^63-1
    resting : i8, what is open of that order after the row and all that it set off; 0 if none
    trade_offsets : i8, one entry more; `trades[trade_offsets[i]:trade_offsets[i + 1]]` were printed
        by row i: its own have its `order_id` as aggressor, the others are of stops that it set off
    trades : every print in order, with the fields of `Trade`; `aggressor_side` is 0 to buy, 1 to
        sell

    `to_frame()` is the same in words.
    """

    status: NDArray[np.uint8]
    error: NDArray[np.uint8]
    order_id: NDArray[np.int64]
    filled: NDArray[np.int64]
    resting: NDArray[np.int64]
    cancelled: NDArray[np.int64]
    trade_offsets: NDArray[np.int64]
    trades: NDArray[Any]

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a table with a row for each request.

        Its columns are those above, with words for the codes, and how many `trades` it printed.

        Without a `backend` it is the first of pandas, polars and pyarrow that is installed.

        Raises:
            ImportError: that backend is not installed, or none of them is.

        """
        return to_frame(
            {
                "status": [ROW_STATUS[code] for code in self.status.tolist()],
                "error": [ROW_ERROR[code] for code in self.error.tolist()],
                "order_id": self.order_id,
                "filled": self.filled,
                "resting": self.resting,
                "cancelled": self.cancelled,
                "trades": self.trade_offsets[1:] - self.trade_offsets[:-1],
            },
            backend,
        )


#: What the codes of `ApplyResult.status` stand for.
ROW_STATUS = (
    "New",
    "PartiallyFilled",
    "Filled",
    "Cancelled",
    "Pending",
    "Triggered",
    "Rejected",
)

#: What the codes of `ApplyResult.error` stand for.
ROW_ERROR = (None, "OrderNotFound", "OrderNotActive", "InvalidQuantity", "LevelOverflow")


@runtime_checkable
class Engine(Protocol):
    """An exchange for one instrument.

    Kind `engine`; the target is called as `target(stop_trigger="every", log_events=True)`. It is a
    class with the static constructors below. Words may be strings in any case or our enums, numbers
    any integers that are no bools. Wrong arguments raise before anything changes: TypeError,
    OverflowError (out of range), ValidationError (a quantity of 0, or not an allowed word).
    """

    def submit_limit(
        self,
        side: str,
        price: int,
        quantity: int,
        tif: str = "gtc",
        *,
        owner: int | None = None,
        stp_policy: str = "off",
        post_only: bool = False,
    ) -> SubmitResult:
        """Match against the other side up to the price; what is left goes as `tif` says.

        `side` is `"buy"` or `"sell"`, `price` a whole number of units above -2^63, `quantity` one
        from 1 to 2^63-1. `tif`: `"gtc"` rests, `"ioc"` is cancelled, `"fok"` trades whole or is
        cancelled whole. A `post_only` order that would trade is cancelled whole. `stp_policy` says
        what happens when it meets an order of the same `owner`.

        O(log P + M) for P prices and M orders that it meets. In the compiled engine a price that is
        new moves those nearer to the market: 16 bytes each.

        Raises:
            TypeError, OverflowError, ValidationError: an argument is not allowed.
            OverflowError: the level's total would pass 2^63-1; nothing has changed.

        """
        ...

    def submit_market(
        self, side: str, quantity: int, *, owner: int | None = None, stp_policy: str = "off"
    ) -> SubmitResult:
        """Match at any price; what is left is cancelled. O(M) for M orders that it meets.

        Raises:
            TypeError, OverflowError, ValidationError: an argument is not allowed.

        """
        ...

    def submit_stop_market(
        self,
        side: str,
        stop_price: int,
        quantity: int,
        *,
        owner: int | None = None,
        stp_policy: str = "off",
    ) -> StopSubmitResult:
        """Send a market order once a trade prints at the stop price or beyond. O(log S).

        Beyond is above for a buy stop, below for a sell stop. Where the last trade already is, it
        is sent at once: the status is then `Triggered`, else `Pending`. What the order did is found
        by way of `get_stop_order(order_id).child_order_id`.

        Raises:
            TypeError, OverflowError, ValidationError: an argument is not allowed.

        """
        ...

    def submit_stop_limit(
        self,
        side: str,
        stop_price: int,
        limit_price: int,
        quantity: int,
        tif: str = "gtc",
        *,
        owner: int | None = None,
        stp_policy: str = "off",
    ) -> StopSubmitResult:
        """Send a limit order once a trade prints at the stop price or beyond. O(log S).

        As `submit_stop_market`; the order has the limit `limit_price` and that `tif`.
        """
        ...

    def submit_trailing_stop_market(  # noqa: PLR0917 - the seed's arguments
        self,
        side: str,
        initial_stop_price: int,
        quantity: int,
        trail_type: str | TrailMethod,
        trail_value: float | None = None,
        atr_period: int | None = None,
        *,
        owner: int | None = None,
        stp_policy: str = "off",
    ) -> StopSubmitResult:
        """Enter a stop-market whose price follows the market, and only ever tightens. O(1).

        It keeps `trail_value` from the best price since it was entered: units if `trail_type` is
        `"fixed"`, a fraction of that price if `"percentage"`, a multiple of the mean change between
        trades over `atr_period` of them if `"atr"`; or `trail_type` is a `TrailMethod` by itself.
        It never goes off when it is entered. Each order that trades looks at all trailing stops.

        Raises:
            TypeError, OverflowError, ValidationError: an argument is not allowed.

        """
        ...

    def submit_trailing_stop_limit(  # noqa: PLR0917 - the seed's arguments
        self,
        side: str,
        initial_stop_price: int,
        limit_price: int,
        quantity: int,
        trail_type: str | TrailMethod,
        trail_value: float | None = None,
        tif: str = "gtc",
        atr_period: int | None = None,
        *,
        owner: int | None = None,
        stp_policy: str = "off",
    ) -> StopSubmitResult:
        """Enter a stop-limit whose stop price follows the market; `limit_price` stays. O(1).

        The rest as `submit_trailing_stop_market`.
        """
        ...

    def cancel(self, order_id: int) -> CancelResult:
        """Take what is open of an order, or a pending stop, off. O(1), a level's last O(log P).

        Fails softly: `error` is `OrderNotFound` for an id that is unknown, forgotten, or of a stop
        that has gone off; `OrderNotActive` for a finished order.
        """
        ...

    def modify(self, order_id: int, new_price: int, new_quantity: int) -> ModifyResult:
        """Cancel and submit anew: a new id, the end of the queue, the same side, tif and owner.

        `new_quantity` is the whole new size: what was filled before is not deducted. It may trade
        at once. Fails softly, as `cancel`; and with `InvalidQuantity` where it is 0.

        Raises:
            OverflowError: the level's total would pass 2^63-1; nothing has changed.

        """
        ...

    def reduce(self, order_id: int, by: int) -> CancelResult:
        """Take quantity off an order that keeps its place; all of it cancels it. O(1).

        More than is open fails softly with `InvalidQuantity`.
        """
        ...

    def cancel_all(self, owner: int | None = None, side: str | None = None) -> CancelAllResult:
        """Cancel every order and pending stop, or those of one owner or side. O(orders)."""
        ...

    def apply(self, ops: NDArray[Any]) -> ApplyResult:
        """Run a batch, see `nanobook.make_ops`; exactly as the single calls would.

        Malformed rows raise before anything runs; rows that the state refuses are `Rejected`.
        """
        ...

    def best_bid(self) -> int | None:
        """Highest price to buy. O(1)."""
        ...

    def best_ask(self) -> int | None:
        """Lowest price to sell. O(1)."""
        ...

    def best_bid_ask(self) -> tuple[int | None, int | None]:
        """Return highest price to buy and lowest to sell, None where there is none. O(1)."""
        ...

    def spread(self) -> int | None:
        """Best ask less best bid; None if a side is empty. O(1)."""
        ...

    def last_trade_price(self) -> int | None:
        """Price of the last print, whatever request made it; None before any. O(1)."""
        ...

    def depth(self, levels: int = 10) -> BookSnapshot:
        """Return the best levels of each side. O(levels)."""
        ...

    def full_book(self) -> BookSnapshot:
        """Return all levels, each with its orders. O(orders)."""
        ...

    def get_order(self, order_id: int) -> Order | None:
        """Return an order, finished ones too until `clear_order_history`; None if unknown. O(1)."""
        ...

    def get_stop_order(self, order_id: int) -> StopOrder | None:
        """Return a stop, finished ones too until `clear_order_history`; None if unknown. O(1)."""
        ...

    def pending_stop_count(self) -> int:
        """Stops that wait; those elected and not yet run are not among them. O(1)."""
        ...

    def trade_count(self) -> int:
        """Return how many prints there were since the start or `clear_trades`. O(1)."""
        ...

    def trades(self) -> Sequence[Trade]:
        """Every print since the start or `clear_trades`. O(trades)."""
        ...

    def trades_array(self) -> NDArray[Any]:
        """Return the prints as a structured array with the fields of `Trade`, a copy. O(trades)."""
        ...

    def events(self) -> list[Event]:
        """Every request since the start. O(events).

        Raises:
            LogTruncatedError: the log was cleared, is off, or the exchange came from a state.

        """
        ...

    def clear_trades(self) -> None:
        """Forget the prints; ids, last price and matching stay as they are."""
        ...

    def clear_order_history(self) -> int:
        """Forget finished orders and stops; the number of orders, stops not counted."""
        ...

    def clear_events(self) -> None:
        """Forget the log, which is truncated from then on."""
        ...

    def compact(self) -> None:
        """Give memory back; nothing else changes."""
        ...

    def state(self) -> EngineState:
        """Everything that decides what comes next. O(live orders + stops)."""
        ...

    def state_hash(self) -> int:
        """64 bits of that, equal on every engine; docs/order_book.md has the layout."""
        ...

    @staticmethod
    def from_state(state: EngineState, *, log_events: bool = True) -> Engine:
        """Make an exchange that goes on from there; its log is truncated."""
        ...

    @staticmethod
    def replay(events: Iterable[Event] | NDArray[Any], *, stop_trigger: str = "every") -> Engine:
        """Make the exchange that these requests lead to."""
        ...
