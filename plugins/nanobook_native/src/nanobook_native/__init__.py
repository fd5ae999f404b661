"""nanobook's compiled engine and kernels, where this installation has them."""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["COMPILED"]

# Looked up, not imported: the kernels import numpy, which listing capabilities must not.
COMPILED = all(
    find_spec(f"nanobook_native.{name}")
    for name in ("_engine", "_itch_books", "_itch_decode", "_kernels", "_simulate")
)
"""Whether all were compiled; if not, the core's Python does their work, slower."""
