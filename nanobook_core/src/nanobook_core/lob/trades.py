"""A tape of trades in columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Self, overload

from nanobook_core.contracts import Trade
from nanobook_core.contracts.frame import to_frame
from nanobook_core.types import Price, Side

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    TRADE_DTYPE: np.dtype[np.void]

#: Fields of a trade in an array; `aggressor_side` is 0 to buy, 1 to sell.
FIELDS = (
    "trade_id",
    "price",
    "quantity",
    "aggressor_order_id",
    "passive_order_id",
    "timestamp",
    "aggressor_side",
)

_SIDES = tuple(Side)


@cache
def trade_dtype() -> np.dtype[np.void]:
    """Return numpy's dtype of a trade, also found as `TRADE_DTYPE`."""
    import numpy as np

    types = {"names": FIELDS, "formats": [*["i8"] * (len(FIELDS) - 1), "u1"]}
    return np.dtype(types, align=True)  # type: ignore[call-overload, no-any-return]  # numpy's stubs know no dict with align


def __getattr__(name: str) -> Any:
    # Not an ordinary constant: numpy is slow to import, and few need it.
    if name == "TRADE_DTYPE":
        return trade_dtype()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class Trades(Sequence[Trade]):
    """Trades in the order of printing, kept in columns; each becomes a `Trade` when asked for.

    Equal to any sequence of equal trades. What it was made of may change later: it does not.
    """

    __slots__ = ("_array",)

    def __init__(self, array: NDArray[Any]) -> None:
        """Take over an array of `TRADE_DTYPE`, which nobody may change any more."""
        self._array = array

    @classmethod
    def of(cls, trades: Iterable[Trade]) -> Self:
        """Collect trades. O(trades)."""
        import numpy as np

        rows = [
            (
                trade.trade_id,
                trade.price,
                trade.quantity,
                trade.aggressor_order_id,
                trade.passive_order_id,
                trade.timestamp,
                _SIDES.index(trade.aggressor_side),
            )
            for trade in trades
        ]
        return cls(np.array(rows, trade_dtype()))

    def __len__(self) -> int:
        return len(self._array)

    @overload
    def __getitem__(self, index: int) -> Trade: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Trade | Self:
        if isinstance(index, slice):
            return type(self)(self._array[index])
        return _trade(self._array[index].item())

    def __iter__(self) -> Iterator[Trade]:
        return map(_trade, self._array.tolist())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, (str, bytes)):
            return NotImplemented
        return len(self) == len(other) and all(
            mine == theirs for mine, theirs in zip(self, other, strict=True)
        )

    __hash__ = None  # type: ignore[assignment]  # as of a list

    def __repr__(self) -> str:
        return f"Trades({len(self)})"

    def to_array(self) -> NDArray[Any]:
        """Return the columns as a structured array of `TRADE_DTYPE`, a copy."""
        return self._array.copy()

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a table with a column for each field, sides as `buy` and `sell`.

        Without a `backend` it is the first of pandas, polars and pyarrow that is installed.

        Raises:
            ImportError: that backend is not installed, or none of them is.

        """
        columns: dict[str, Any] = {name: self._array[name] for name in FIELDS}
        columns["aggressor_side"] = [str(_SIDES[code]) for code in columns["aggressor_side"]]
        return to_frame(columns, backend)

    def vwap(self) -> Price | None:
        """Return the volume-weighted average price; see `Trade.vwap`."""
        return Trade.vwap(self)


def _trade(row: tuple[int, ...]) -> Trade:
    trade_id, price, quantity, aggressor, passive, timestamp, side = row
    return Trade(trade_id, price, quantity, _SIDES[side], aggressor, passive, timestamp)
