"""How each type of message is packed, apart from what the decoders and the encoder are made from.

Each packer takes the fields from `locate` on, as they come on the wire; of a time the first two and
the last four of its six bytes. It puts the length and the type before them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from struct import Struct
from typing import Any, TypeAlias

Pack: TypeAlias = Callable[..., bytes]

#: What comes after locate, tracking and time.
BODIES: Mapping[str, str] = {
    "S": "c",
    "R": "8sccIcc2scccccIc",
    "H": "8scc4s",
    "Y": "8sc",
    "L": "4s8sccc",
    "V": "QQQ",
    "W": "c",
    "K": "8sIcI",
    "J": "8sIIII",
    "h": "8scc",
    "A": "QcI8sI",
    "F": "QcI8sI4s",
    "E": "QIQ",
    "C": "QIQcI",
    "X": "QI",
    "D": "Q",
    "U": "QQII",
    "P": "QcI8sIQ",
    "Q": "Q8sIQc",
    "B": "Q",
    "I": "QQc8sIIIcc",
    "N": "8sc",
    "O": "8scIIIQII",
}


def _packer(kind: str) -> Pack:
    layout = Struct(">HcHHHI" + BODIES[kind])
    return partial(layout.pack, layout.size - 2, kind.encode())


PACK: Mapping[str, Pack] = {kind: _packer(kind) for kind in BODIES}


def message(kind: str, locate: int, time: int, *body: Any, tracking: int = 0) -> bytes:
    """Return one message with its length before it."""
    return PACK[kind](locate, tracking, time >> 32, time & 0xFFFFFFFF, *body)
