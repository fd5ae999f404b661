"""Money and quantities as exact integers.

Arrays are int64 wherever nothing can wrap, and otherwise arrays of Python ints (dtype object). The
same operators work on both, so callers have one code path.
"""

from __future__ import annotations

from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError, shown
from nanobook_core.types import INT64_MAX

#: Estimated below this in floats, a sum or product is below 2^62.
SAFE = 2.0**61
_UNROUNDED = Context(prec=MAX_PREC, Emin=MIN_EMIN, Emax=MAX_EMAX)


def whole(value: object, name: str) -> int:
    """The value as a Python int.

    Raises:
        TypeError: it is not an int or numpy integer; floats, bools and strings are not.
        OverflowError: it does not fit into 64 bits with sign.

    """
    # numpy counts time spans among its integers.
    if isinstance(value, bool | np.timedelta64) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} is an int or numpy integer, got {shown(value)}")
    number = int(value)
    if not -INT64_MAX - 1 <= number <= INT64_MAX:
        raise OverflowError(f"{name} must fit into 64 bits with sign, got {shown(value)}")
    return number


def real(value: object, name: str) -> float:
    """The value as a Python float, which may be infinite or NaN.

    Raises:
        TypeError: it is not an int, a float or another real number; bools and strings are not.
        OverflowError: it is an int beyond what a float can hold.

    """
    if isinstance(value, bool | np.timedelta64) or not isinstance(value, Real):
        raise TypeError(f"{name} is a number, got {shown(value)}")
    try:
        return float(value)
    except OverflowError:
        raise OverflowError(f"{name} is beyond what a float can hold: {shown(value)}") from None


def trades(quantity: object, price: object) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Quantities and prices of some trades as int64 vectors of one length; not copied if they are.

    Raises:
        TypeError: one of them does not have a signed integer dtype.
        ValidationError: they are not vectors of one length.

    """
    vectors = np.asarray(quantity), np.asarray(price)
    for vector in vectors:
        if vector.dtype.kind != "i":
            raise TypeError(f"quantities and prices are int64 arrays, got dtype {vector.dtype}")
    first, second = vectors[0].shape, vectors[1].shape
    if first != second or len(first) != 1:
        raise ValidationError(
            f"quantities and prices are vectors of one length, got shapes {first} and {second}"
        )
    return vectors[0].astype(np.int64, copy=False), vectors[1].astype(np.int64, copy=False)


def products(quantity: NDArray[np.int64], price: NDArray[np.int64]) -> NDArray[Any]:
    """Value of each holding or trade, shape `(n,)`, exact.

    int64 if every product, and the sum of their magnitudes, is below 2^62; else Python ints.
    """
    size = np.abs(quantity.astype(np.float64)) @ np.abs(price.astype(np.float64))
    if size < SAFE:
        return quantity * price
    values: NDArray[Any] = quantity.astype(object) * price.astype(object)
    return values


def product(amount: int | Decimal, unit: Decimal) -> Decimal:
    """Amount times unit, exact in any decimal context."""
    return _UNROUNDED.multiply(Decimal(amount), unit)


def dot(quantity: NDArray[np.int64], price: NDArray[np.int64]) -> int:
    """Value of all of them together, exact; 0 for none."""
    return int(products(quantity, price).sum())


def quotient(amount: Any, divisor: Any) -> Any:
    """Amount divided by a positive divisor, truncated towards zero, exact.

    For Python ints, arrays of them, and int64 arrays whose amounts are at most 2^62.
    """
    floor = amount // divisor
    return floor + ((floor < 0) & (floor * divisor != amount))


def truncated(values: NDArray[np.float64]) -> NDArray[Any]:
    """Finite floats as integers, truncated towards zero, exact.

    int64 if all of them are below 2^62; else Python ints.
    """
    if (np.abs(values) < SAFE).all():
        return values.astype(np.int64)
    return np.array([int(value) for value in values.tolist()], dtype=object)


def rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Floats rounded to integers, halves away from zero.

    Not floor(x + 0.5): that is 1 for 0.49999999999999994, and wrong for odd numbers above 2^52.
    """
    whole_part = np.trunc(values)
    return np.where(
        np.abs(values - whole_part) >= 0.5,  # noqa: PLR2004 - a half
        whole_part + np.copysign(1.0, values),
        whole_part,
    )
