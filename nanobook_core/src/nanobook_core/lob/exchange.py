"""What is the same for every engine, in terms of what each of them does by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Self, cast

from nanobook_core.contracts import (
    ApplyResult,
    CancelAllResult,
    CancelResult,
    Engine,
    EngineState,
    Event,
    EventKind,
    ModifyResult,
    StopSubmitResult,
    SubmitResult,
)
from nanobook_core.errors import LogTruncatedError, ValidationError, shown
from nanobook_core.lob.state import check_state, state_hash
from nanobook_core.types import StopTrigger, check_price, check_quantity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    _Contract = Engine
else:
    # The contract's methods have no bodies: one that an engine lacks must not answer None.
    _Contract = object

Result = (
    SubmitResult | StopSubmitResult | CancelResult | ModifyResult | CancelAllResult
)  # of any request


#: Of `LogTruncatedError`, in every engine.
LOG_TRUNCATED = (
    "the log does not go back to the start: it was off or cleared, "
    "or this exchange was made from a state"
)


def documented(engine: type) -> None:
    """Give the methods of an engine the contract's docstrings, so that `help()` has them."""
    for name, method in vars(Engine).items():
        own = getattr(engine, name, None)
        if callable(method) and own is not None and not own.__doc__:
            own.__doc__ = method.__doc__


class ExchangeBase(_Contract):
    """The part of an exchange that is built of the primitives of the `Engine` contract.

    An engine adds those, `stop_trigger` and `log_events`, and `_restore(state)`, which is called
    once, on an exchange that has seen nothing.

    Pickling and copying rebuild the exchange from its events; so what was cleared of trades and
    finished orders is there again. Where the log is not whole, they go through `state()` instead:
    then the copy has neither trades nor finished orders, and goes on exactly as the original would.
    """

    __slots__ = ()

    if TYPE_CHECKING:

        def __init__(self, *, stop_trigger: str = "every", log_events: bool = True) -> None: ...

        @property
        def stop_trigger(self) -> StopTrigger:
            """Which prints elect stops."""

        @property
        def log_events(self) -> bool:
            """Whether it was made to record its requests."""

        def _restore(self, state: EngineState) -> None: ...

    def try_submit_limit(
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
        """Do as `submit_limit`, but refuse prices below 1.

        Raises:
            ValidationError: also for such a price.

        """
        check_quantity(quantity)
        if check_price(price) < 1:
            raise ValidationError(f"price must be greater than zero, got {shown(price)}")
        return self.submit_limit(
            side,
            price,
            quantity,
            tif,
            owner=owner,
            stp_policy=stp_policy,
            post_only=post_only,
        )

    def try_submit_market(
        self, side: str, quantity: int, *, owner: int | None = None, stp_policy: str = "off"
    ) -> SubmitResult:
        """Do as `submit_market`, which refuses all that this one does."""
        return self.submit_market(side, quantity, owner=owner, stp_policy=stp_policy)

    def submit(self, event: Event) -> Result:
        """Make the request of an event, and return what its own method does.

        Raises:
            OverflowError: the level's total would pass 2^63-1; nothing has changed.

        """
        if not isinstance(event, Event):
            raise TypeError(f"a request is an Event, got {shown(event)}")
        return _REQUESTS[event.kind](self, event)

    def apply(self, ops: NDArray[Any]) -> ApplyResult:
        """Run a batch, see `nanobook.make_ops`; exactly as the single calls would."""
        from nanobook_core.lob.batch import run

        return run(self, ops)

    @staticmethod
    def apply_books(
        books: Sequence[ExchangeBase],
        ops: NDArray[Any],
        threads: int,  # noqa: ARG004 - for engines that let go of the interpreter
    ) -> ApplyResult:
        """Run a batch whose column `symbol` is an index into these books; see `MultiExchange`."""
        from nanobook_core.lob.batch import run_books

        return run_books(books, ops)

    @classmethod
    def replay(cls, events: Iterable[Event] | NDArray[Any], *, stop_trigger: str = "every") -> Self:
        """Make the exchange that these events, or the rows of such a batch, lead to.

        Raises:
            OverflowError: an event was never accepted by an exchange; see `submit`.

        """
        exchange = cls(stop_trigger=stop_trigger)
        if hasattr(events, "dtype"):
            exchange.apply(cast("NDArray[Any]", events))
        else:
            for event in events:
                exchange.submit(event)
        return exchange

    @classmethod
    def from_state(cls, state: EngineState, *, log_events: bool = True) -> Self:
        """Make an exchange that goes on from there; its log is truncated.

        Raises:
            ValidationError: no exchange can be in that state.

        """
        if not isinstance(state, EngineState):
            raise TypeError(f"a state is an EngineState, got {shown(state)}")
        check_state(state)
        exchange = cls(stop_trigger=state.stop_trigger, log_events=log_events)
        exchange._restore(state)
        return exchange

    def state_hash(self) -> int:
        """Return 64 bits of `state()`; docs/order_book.md has the layout."""
        return state_hash(self.state())

    def save(self, path: str | PathLike[str]) -> None:
        """Write the events to a file, one JSON object a line, as the original does.

        Raises:
            LogTruncatedError: the log does not go back to the start.

        """
        from nanobook_core.lob.event_file import save

        save(self, path)

    @classmethod
    def load(cls, path: str | PathLike[str], *, stop_trigger: str = "every") -> Self:
        """Replay a file of events."""
        from nanobook_core.lob.event_file import load

        return load(cls, path, stop_trigger=stop_trigger)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        try:
            return _replayed, (type(self), self.events(), self.stop_trigger)
        except LogTruncatedError:
            return _continued, (type(self), self.state(), self.log_events)

    def __repr__(self) -> str:
        bid, ask = (
            "None" if price is None else f"${price / 100:.2f}" for price in self.best_bid_ask()
        )
        return f"Exchange(bid={bid}, ask={ask}, trades={self.trade_count()})"


def _replayed(cls: type[ExchangeBase], events: list[Event], stop_trigger: str) -> ExchangeBase:
    return cls.replay(events, stop_trigger=stop_trigger)


def _continued(cls: type[ExchangeBase], state: EngineState, log_events: bool) -> ExchangeBase:  # noqa: FBT001 - for pickle, which knows no keywords
    return cls.from_state(state, log_events=log_events)


def _owner(event: Event) -> dict[str, Any]:
    return {"owner": event.owner, "stp_policy": event.stp_policy}


#: How to make the request of an event of each kind.
_REQUESTS: dict[EventKind, Callable[[Any, Any], Result]] = {
    EventKind.SUBMIT_LIMIT: lambda exchange, event: exchange.submit_limit(
        event.side,
        event.price,
        event.quantity,
        event.time_in_force,
        post_only=event.post_only,
        **_owner(event),
    ),
    EventKind.SUBMIT_MARKET: lambda exchange, event: exchange.submit_market(
        event.side, event.quantity, **_owner(event)
    ),
    EventKind.CANCEL: lambda exchange, event: exchange.cancel(event.order_id),
    EventKind.MODIFY: lambda exchange, event: exchange.modify(
        event.order_id, event.price, event.quantity
    ),
    EventKind.SUBMIT_STOP_MARKET: lambda exchange, event: exchange.submit_stop_market(
        event.side, event.stop_price, event.quantity, **_owner(event)
    ),
    EventKind.SUBMIT_STOP_LIMIT: lambda exchange, event: exchange.submit_stop_limit(
        event.side,
        event.stop_price,
        event.price,
        event.quantity,
        event.time_in_force,
        **_owner(event),
    ),
    EventKind.SUBMIT_TRAILING_STOP_MARKET: (
        lambda exchange, event: exchange.submit_trailing_stop_market(
            event.side, event.stop_price, event.quantity, event.trail_method, **_owner(event)
        )
    ),
    EventKind.SUBMIT_TRAILING_STOP_LIMIT: (
        lambda exchange, event: exchange.submit_trailing_stop_limit(
            event.side,
            event.stop_price,
            event.price,
            event.quantity,
            event.trail_method,
            tif=event.time_in_force,
            **_owner(event),
        )
    ),
    EventKind.REDUCE: lambda exchange, event: exchange.reduce(event.order_id, event.quantity),
    EventKind.CANCEL_ALL: lambda exchange, event: exchange.cancel_all(event.owner, event.side),
}
