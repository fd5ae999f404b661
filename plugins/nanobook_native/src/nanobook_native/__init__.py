"""nanobook's compiled kernels, where this installation has them."""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["COMPILED"]

# Looked up, not imported: the kernels import numpy, which listing capabilities must not.
COMPILED = find_spec("nanobook_native._kernels") is not None
"""Whether the kernels were compiled; if not, the core's functions do their work, slower."""
