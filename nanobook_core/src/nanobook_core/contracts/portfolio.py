"""What the portfolio simulator asks of a plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from attrs import frozen

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@runtime_checkable
class CostModel(Protocol):
    """Prices trades.

    Kind `cost_model`; the capability's target is called as `target(**settings)`.
    """

    def costs(self, quantity: NDArray[np.int64], price: NDArray[np.int64]) -> NDArray[np.int64]:
        """Cost of each trade, in money units, shape `(n_trades,)`.

        `quantity` is signed, in lots; `price` is positive, in money units per lot. A cost is never
        negative, and a trade of quantity 0 costs 0. The arrays are not changed, and the same trades
        always cost the same. Whether a fraction of a unit is rounded down (basis points, as in the
        seed) or up is the model's to document. A cost beyond 2^63-1 is capped there, never wrapped.
        """
        ...


@frozen(kw_only=True, eq=False)
class CostRequest:
    """Trades of one period; arrays of shape `(n_trades,)`."""

    period: int
    """From 0."""
    symbols: tuple[str, ...]
    """All symbols of the run."""
    column: NDArray[np.int64]
    """Of each trade: where its symbol is in `symbols`. One may be there in several parts."""
    quantity: NDArray[np.int64]
    """Signed, in lots."""
    price: NDArray[np.int64]
    """Positive, in money units a lot."""


@runtime_checkable
class TradeCostModel(CostModel, Protocol):
    """A cost model whose costs may depend on the period and on the symbol.

    A simulation asks `trade_costs` of a model that has it, and never `costs`; what knows no period,
    as a `Portfolio`, asks `costs`.
    """

    def trade_costs(self, request: CostRequest) -> NDArray[np.int64]:
        """Cost of each trade, as `costs`, which may refuse with a ValidationError to do without.

        Asked before anything is traded as well, for orders that may then be cut.
        """
        ...


@frozen(kw_only=True, eq=False)
class FillRequest:
    """Orders of one period that are sent at once; arrays of shape `(n_orders,)`, int64 or bool.

    Attributes:
        period: from 0.
        is_first: whether it is the first request of its period in this run.
        symbols: all symbols of the run.
        column: of each order: where its symbol is in `symbols`. Rising.
        quantity: signed, in lots; never 0.
        price: the price at which a simple fill would be made, positive, in money units a lot.
        is_stop: whether each closes a position for a stop, and is not an order of the weights.
        filled: lots of each order's symbol, without a sign, that earlier requests of the period
            filled.

    """

    period: int
    is_first: bool
    symbols: tuple[str, ...]
    column: NDArray[np.int64]
    quantity: NDArray[np.int64]
    price: NDArray[np.int64]
    is_stop: NDArray[np.bool_]
    filled: NDArray[np.int64]


@frozen(kw_only=True, eq=False)
class Fills:
    """What was filled; int64 arrays of shape `(n_fills,)`. What is not in here was not filled.

    Attributes:
        order: index into the request's arrays; an order may be filled in several parts.
        quantity: signed as the order's, never 0; all parts of an order together are no more than it
            asked.
        price: positive, in money units a lot.

    """

    order: NDArray[np.int64]
    quantity: NDArray[np.int64]
    price: NDArray[np.int64]


@runtime_checkable
class FillModel(Protocol):
    """Says how much of an order is filled, and at which prices.

    Kind `fill_model`; the capability's target is called as `target(**settings)`.
    """

    def fill(self, request: FillRequest) -> Fills:
        """Fill the orders of one period.

        Called with periods that never fall, and never with an empty request. Where stops are filled
        in the period in which they are tested, the orders of the weights and those of the stops are
        a request each, in the order in which they are sent; else all orders of a period are one.
        Stops within bars are a request of their own, after fills at the open and before the rest.
        What a model has to give in a period, as a part of its volume, is for all of its requests:
        `filled` says what is gone of it. The arrays are not changed. The same requests in the same
        order are filled alike.
        """
        ...


@runtime_checkable
class Strategy(Protocol):
    """Decides target weights, one period at a time."""

    def compute_weights(self, bar_index: int, prices: Any, portfolio: Any) -> Any:
        """Target weights at this period's prices: `(symbol, weight)` pairs or a mapping.

        `prices` is a dict from symbol to price in the order in which they were given; `portfolio` a
        `nanobook.Portfolio` as it is before this period's trades, a copy. An empty answer sells
        everything, None trades nothing.
        """
        ...
