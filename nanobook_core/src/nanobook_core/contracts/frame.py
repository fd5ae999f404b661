"""Tables of the kind that the user has: pandas, polars or pyarrow."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from nanobook_core.errors import ValidationError, shown

_BACKENDS = ("pandas", "polars", "pyarrow")


def to_frame(columns: Mapping[str, Any], backend: str | None = None) -> Any:
    """Return a table of these columns, arrays or lists.

    Without a `backend` it is the first of pandas, polars and pyarrow that is installed.

    Raises:
        ValidationError: `backend` is none of these.
        ImportError: that backend is not installed, or none of them is.

    """
    import narwhals as nw

    chosen: Any = _installed() if backend is None else backend
    if chosen not in _BACKENDS:
        raise ValidationError(f"a backend is one of {', '.join(_BACKENDS)}; got {shown(backend)}")
    if find_spec(chosen) is None:
        raise ImportError(f"{chosen} is not installed: python3 -m pip install {chosen}")
    return nw.from_dict(columns, backend=chosen).to_native()


def _installed() -> str:
    for backend in _BACKENDS:
        if find_spec(backend) is not None:
            return backend
    raise ImportError("a table needs pandas, polars or pyarrow; none of them is installed")
