"""Arrays that are handed out."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Return the same numbers as an array that cannot be changed; the array itself still can."""
    view = array.view()
    view.flags.writeable = False
    return view
