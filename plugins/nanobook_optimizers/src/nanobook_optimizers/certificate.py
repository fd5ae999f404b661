"""Proof that weights are optimal, found apart from what found them."""

from __future__ import annotations

import numpy as np

from nanobook_core.errors import OptimizationError
from nanobook_optimizers.constraint import Polytope
from nanobook_optimizers.returns import Floats

#: Most by which an objective may miss its optimum, of its own size.
GAP = 1e-8
_VIOLATION = 1e-12


def certify(
    polytope: Polytope,
    weights: Floats,
    *,
    value: float,
    slope: Floats,
    size: float,
    rounding: float,
) -> Floats:
    """Return the weights if no others are better by more than GAP of `size`, and the rounding.

    No weights w have an objective below `slope @ w`, and these have `value`: for a convex objective
    of gradient g, take `g @ weights` and g (Frank and Wolfe 1956).

    Raises:
        OptimizationError: they are not that good, or miss the constraints by more than 1e-12.

    """
    if not np.isfinite(weights).all():
        raise OptimizationError("not optimal: the weights found are not finite", "not optimal")
    violation = polytope.violation(weights)
    gap = value - polytope.least(slope)
    if violation <= _VIOLATION and gap <= GAP * size + rounding:
        return weights
    names = polytope.binding(weights)
    shown = "; ".join(names[:8]) + ("; …" if len(names) > 8 else "")  # noqa: PLR2004 - enough to read
    raise OptimizationError(
        f"not optimal: the best weights found may miss the optimum by {gap:.1e} of {size:.1e} and "
        f"miss the constraints by {violation:.1e}; binding there: {shown}",
        "not optimal",
        names,
    )
