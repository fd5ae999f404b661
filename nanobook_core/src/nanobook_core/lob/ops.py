"""Requests as rows of an array: its layout, and how one is made."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from nanobook_core.contracts import EventKind
from nanobook_core.errors import ValidationError, shown
from nanobook_core.types import OFFSET_MAX, Side, StpPolicy, TimeInForce

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    OPS_DTYPE: np.dtype[np.void]

#: What stands for a post-only limit in the column `tif`, and for both sides in `side`.
POST_ONLY = "post_only"
BOTH_SIDES = "both"

#: Words of the columns that hold codes; a code is the position of its word.
WORDS: dict[str, tuple[str, ...]] = {
    "op": tuple(EventKind),
    "side": (*Side, BOTH_SIDES),
    "tif": (*TimeInForce, POST_ONLY),
    "trail": ("fixed", "percentage", "atr"),
    "stp": tuple(StpPolicy),
}

_CODES = {
    column: {str(word): code for code, word in enumerate(words)} for column, words in WORDS.items()
}
_CODES["side"] |= {"b": 0, "s": 1}
_CODES["trail"] |= {"pct": 1}

#: What a row has where nothing was given. So a `cancel_all` takes both sides, and no order has a
#: side by accident.
_DEFAULTS = {"side": WORDS["side"].index(BOTH_SIDES), "owner": -1}


@cache
def ops_dtype() -> np.dtype[np.void]:
    """Return the type of a row: 64 bytes, laid out as a C compiler would; `nanobook.OPS_DTYPE`."""
    import numpy as np

    codes = [(name, "u1") for name in ("op", "side", "tif", "trail", "stp")]
    numbers = [(name, "i8") for name in ("price", "stop_price", "quantity", "order_id", "owner")]
    rest = [("trail_value", "f8"), ("atr_period", "u4"), ("symbol", "u4")]
    return np.dtype([*codes, *numbers, *rest], align=True)


def __getattr__(name: str) -> Any:
    if name == "OPS_DTYPE":
        return ops_dtype()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def make_ops(**columns: ArrayLike) -> NDArray[np.void]:
    """Make an array of requests from columns, whose names are the fields of `nanobook.OPS_DTYPE`.

    A column is a list or array with one entry a row, or one value for all rows; `op` must be given.
    `op`, `side`, `tif`, `trail` and `stp` are codes or words: `"submit_limit"`, `"buy"` or
    `"both"`, `"gtc"` or `"post_only"`, `"fixed"`, `"off"`. A column that is not given is 0; `owner`
    -1, which is none; `side` 2, which is both, as only `cancel_all` allows.

    Raises:
        TypeError: there is no such column, `op` is missing, or a value is of the wrong type.
        OverflowError: a number does not fit into its field.
        ValidationError: there is no such word, or columns differ in length.

    """
    if unknown := [name for name in columns if name not in _names()]:
        raise TypeError(f"ops have no column {unknown[0]!r:.40}; columns are {', '.join(_names())}")
    if "op" not in columns:
        raise TypeError('ops need the column op: a word such as "submit_limit" for all, or a list')
    return _assembled({name: _column(name, values) for name, values in columns.items()})


def coerced(ops: object) -> NDArray[np.void]:
    """Return requests as a contiguous array of `ops_dtype()`; the same array where it is one.

    Other layouts will do, and fewer fields, as long as `op` is there; what is not given has the
    defaults of `make_ops`.

    Raises:
        TypeError: it is no structured array, or a field is of another type.
        OverflowError: a number does not fit into its field.
        ValidationError: it is not one-dimensional, lacks `op`, or has fields that no request has.

    """
    import numpy as np

    if not isinstance(ops, np.ndarray) or ops.dtype.names is None:
        raise TypeError(
            f"ops is a structured array; nanobook.make_ops(op=..., side=...) makes one; "
            f"got {shown(ops)}"
        )
    if ops.ndim != 1:
        raise ValidationError(f"ops has one dimension, got the shape {ops.shape}")
    if ops.dtype == ops_dtype():
        return np.require(ops, ops_dtype(), ["C_CONTIGUOUS", "ALIGNED"])
    if unknown := [name for name in ops.dtype.names if name not in _names()]:
        raise ValidationError(
            f"ops have no field {unknown[0]!r:.40}; fields are {', '.join(_names())}"
        )
    if "op" not in ops.dtype.names:
        raise ValidationError(f"ops need the field op, got only {', '.join(ops.dtype.names)}")
    return _assembled({name: _column(name, ops[name]) for name in ops.dtype.names})


def _names() -> tuple[str, ...]:
    return ops_dtype().names or ()


def _assembled(columns: dict[str, NDArray[Any]]) -> NDArray[np.void]:
    import numpy as np

    lengths = {name: len(column) for name, column in columns.items() if column.ndim}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ValidationError(f"columns have one length, got {listed}")
    ops = np.zeros(next(iter(lengths.values()), 1), ops_dtype())
    for name, default in _DEFAULTS.items():
        ops[name] = default
    for name, column in columns.items():
        ops[name] = column
    return ops


def _column(name: str, values: object) -> NDArray[Any]:
    """Values as numbers of the field's type; nothing is rounded, wrapped or guessed."""
    import numpy as np

    # A list as it is, because numpy would turn [True, 2] and [1, "2"] into one type.
    array: NDArray[Any] = np.asarray(values, None if hasattr(values, "__array__") else object)
    if array.ndim > 1:
        raise ValidationError(f"{name} is one value or one column, got the shape {array.shape}")
    if name in WORDS and array.dtype.kind in "OTU":
        array = np.array(_coded(name, array), object).reshape(array.shape)
    return _reals(name, array) if name == "trail_value" else _whole(name, array)


def _coded(name: str, array: NDArray[Any]) -> list[object]:
    codes = _CODES[name]
    found = []
    for value in array.ravel().tolist():
        code = codes.get(value.lower()) if isinstance(value, str) else value
        if code is None and value is not None:
            allowed = ", ".join(repr(str(word)) for word in WORDS[name])
            raise ValidationError(f"Invalid {name} {value!r:.40}. Use one of {allowed}.")
        found.append(code)
    return found


def _whole(name: str, array: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    _check_kinds(name, array, "whole numbers", (int, np.integer))
    limits = np.iinfo(ops_dtype()[name])
    if array.size:
        for extreme in (int(array.min()), int(array.max())):
            if not limits.min <= extreme <= limits.max:
                raise OverflowError(f"{name} is from {limits.min} to {limits.max}, got {extreme}")
    return array.astype(ops_dtype()[name])


def _reals(name: str, array: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    _check_kinds(name, array, "numbers", (int, float, np.integer, np.floating))
    if array.dtype.kind != "f":
        for value in array.ravel().tolist():
            if not isinstance(value, float) and abs(value) > OFFSET_MAX:
                raise OverflowError(f"{name} as a whole number is at most 2^53, got {value}")
    return array.astype(np.float64)


def _check_kinds(name: str, array: NDArray[Any], what: str, allowed: tuple[type[Any], ...]) -> None:
    import numpy as np

    values = array.ravel().tolist() if array.dtype == object else ()
    kinds = set(map(type, values)) if array.dtype == object else {array.dtype.type}
    # numpy counts time spans among its integers, Python bools.
    wrong = {kind for kind in kinds if not issubclass(kind, allowed)}
    wrong |= {kind for kind in kinds if issubclass(kind, (bool, np.timedelta64))}
    if wrong:
        odd = next((value for value in values if type(value) in wrong), None)
        got = shown(odd) if array.dtype == object else f"an array of {array.dtype}"
        raise TypeError(f"{name} is {what}, got {got}")
