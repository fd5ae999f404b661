"""Target weights that are none: percentages, and weights of symbols that nobody knows."""

from __future__ import annotations

import numpy as np

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.calendar import Aligned
from nanobook_core.portfolio.date_column import named
from nanobook_core.portfolio.policy import Constraints

#: Sum of a row's magnitudes beyond which weights are taken for percentages.
_HIGHEST_SUM = 20.0


def check_targets(run: Aligned, n_priced: int, constraints: Constraints) -> None:
    """Refuse percentages, and weights beyond the first `n_priced` columns, which have prices.

    Weights that are not finite are left for the simulation to name.

    Raises, naming period and date:
        ValidationError: a weight other than 0 for a symbol that the prices do not have, or, without
            a `max_leverage`, a row whose magnitudes sum to more than 20.

    """
    others = run.weights[:, n_priced:]
    is_wrong = np.isfinite(others) & (others != 0.0)
    if is_wrong.any():
        period, column = np.argwhere(is_wrong)[0].tolist()
        raise ValidationError(
            f"{named(period, run.dates)}, symbol {run.symbols[n_priced + column]!r}: weight "
            f"{others[period, column]} for a symbol that the prices do not have. Check its name, "
            "give prices of it, or weight 0."
        )
    if constraints.max_leverage is not None:
        return
    with np.errstate(over="ignore"):
        gross = np.abs(run.weights).sum(axis=1)
    is_percent = (gross > _HIGHEST_SUM) & ~np.isinf(run.weights).any(axis=1)
    if is_percent.any():
        period = int(is_percent.argmax())
        raise ValidationError(
            f"{named(period, run.dates)}: magnitudes of weights sum to {gross[period]}. Weights "
            "are fractions of equity: divide percentages by 100, or say "
            "Constraints(max_leverage=…), --max-leverage, if that is meant"
        )
