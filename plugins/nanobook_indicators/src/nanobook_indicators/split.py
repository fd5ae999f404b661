"""Splits of periods that keep their order."""

from __future__ import annotations

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.money import whole


def time_series_split(n_samples: int, n_splits: int = 5) -> list[tuple[list[int], list[int]]]:
    """Periods to train on and those to test on, of each split: all before, and the next few.

    The last `n_splits * size` periods are tested, `size = n_samples // (n_splits + 1)` at a time;
    no period is tested twice, and none is trained on that comes after its test. Periods count from
    0.

    Source: scikit-learn, TimeSeriesSplit.

    Raises:
        TypeError: a number that is no int.
        ValidationError: fewer than 2 splits, or too few periods to test any.

    Runtime complexity: O(n_samples * n_splits).

    """
    n, count = whole(n_samples, "n_samples"), whole(n_splits, "n_splits")
    if count < 2:  # noqa: PLR2004 - one split is no cross-validation
        raise ValidationError(f"n_splits must be at least 2, got {count}")
    size = n // (count + 1)
    if size < 1:
        raise ValidationError(
            f"n_samples must be more than n_splits: {count} splits need at least {count + 1} "
            f"samples, got {n}"
        )
    return [
        (list(range(start)), list(range(start, start + size)))
        for start in range(n - count * size, n, size)
    ]
