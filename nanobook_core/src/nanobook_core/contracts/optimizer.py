"""Weights from returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence


@runtime_checkable
class Optimizer(Protocol):
    """Gives weights of a portfolio. Kind `optimizer`; the target is the function."""

    def __call__(self, returns: Any, symbols: Sequence[str] | None = None, **options: Any) -> Any:
        """Weights whose sum is 1, one an asset.

        `returns` is an array of floats, of shape `(n_periods, n_assets)`: simple returns of a
        period, 0.01 being 1 %. Without `symbols` the weights are a float64 array in the order of
        the columns, with them a dict from symbol to float in their order. Options are the
        optimizer's own, and all of them have defaults.

        The same returns give the same weights, and are not changed.

        Raises:
            ValueError: fewer than 2 periods, no asset, a value that is not finite; period and
                column are named.
            OptimizationError: no weights fulfil what is asked, or none were found that are optimal.

        """
        ...
