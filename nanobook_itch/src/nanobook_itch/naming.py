"""Which symbols a feed has named so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nanobook_core.contracts.itch import ItchMemory

if TYPE_CHECKING:
    from numpy.typing import NDArray


def named_locates(memory: ItchMemory, symbols: frozenset[bytes] | None) -> NDArray[np.intp]:
    """Return the locates, ascending, of which the symbol is known and wanted; None wants all."""
    named = memory.symbols != b""
    if symbols is not None:
        named &= np.isin(memory.symbols, sorted(symbols))
    return np.flatnonzero(named)


def missing_symbols(memory: ItchMemory, symbols: frozenset[bytes] | None) -> tuple[str, ...]:
    """Return those that are wanted and not known, ascending."""
    if symbols is None:
        return ()
    named = memory.symbols[named_locates(memory, symbols)].tolist()
    return tuple(symbol.decode() for symbol in sorted(symbols.difference(named)))
