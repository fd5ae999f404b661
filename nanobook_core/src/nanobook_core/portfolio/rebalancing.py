"""Trades of a period that another part decides, with the rules by which it trades for real."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Protocol

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError, shown
from nanobook_core.plugin.registry import default_registry


@frozen
class Decision:
    """Lots to trade, of shape `(n_symbols,)`, and by column why something else is not traded."""

    lots: NDArray[np.int64]
    reasons: Mapping[int, str]
    """Each of CUT_REASONS."""


class Rebalancing(Protocol):
    """Decides trades. Feature `rebalancer_execution`; the target is called as below."""

    def decide(
        self,
        period: int,
        *,
        weights: NDArray[np.float64],
        quantity: NDArray[np.int64],
        cash: int,
        price: NDArray[np.int64],
        is_priced: NDArray[np.bool_],
    ) -> Decision:
        """Trades that lead from quantities, in lots, towards the period's weights."""
        ...


def rebalancing(
    execution: object,
    config: object,
    *,
    symbols: tuple[str, ...],
    dates: NDArray[np.datetime64] | None,
    unit: Decimal,
    step: Decimal,
    is_limited: bool,
) -> Rebalancing | None:
    """Return what decides trades; None where the simulation itself does.

    `unit` is that of prices, `step` the size of a lot; `is_limited` says that there are constraints
    of the simulation.

    Raises:
        ValidationError: there is no such execution, a config that nobody reads, or constraints
            that nobody heeds.
        CapabilityNotFoundError: nothing installed offers the feature.

    """
    if not isinstance(execution, str) or execution not in {"direct", "rebalancer"}:
        raise ValidationError(f"execution is 'direct' or 'rebalancer', got {shown(execution)}")
    if execution == "direct":
        if config is not None:
            raise ValidationError("rebalancer_config is for execution='rebalancer' only")
        return None
    if is_limited:
        raise ValidationError(
            "execution='rebalancer' has its limits from rebalancer_config; of constraints it takes "
            "scale_to_cash only"
        )
    made: Rebalancing = default_registry().load("feature", "rebalancer_execution")(
        symbols=symbols, dates=dates, unit=unit, step=step, config=config
    )
    return made
