from collections.abc import Set as AbstractSet
from typing import Any

from nanobook_core.contracts import ItchDecoded, ItchMemory

def itch_decode(
    data: Any,
    memory: ItchMemory,
    /,
    *,
    symbols: AbstractSet[bytes] | None,
    types: AbstractSet[str] | None,
    start: int,
    end: int,
    strict: bool,
) -> ItchDecoded: ...
