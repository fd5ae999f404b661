"""Offers of nanobook-native."""

from __future__ import annotations

from nanobook_core.plugin.capability import Capability, Kind
from nanobook_core.plugin.hookspecs import hookimpl
from nanobook_native import COMPILED

_ENGINES = [
    Capability(
        kind=Kind.ENGINE,
        name="exchange",
        target="nanobook_native.engine:Exchange",
        summary="order book and matching engine, compiled",
        export="Exchange",
        priority=10,
    )
]

_KERNELS = [
    Capability(
        kind=Kind.KERNEL,
        name="schedule_to_dense",
        target="nanobook_native._kernels:schedule_to_dense",
        summary="lists of (symbol, value) to a dense table, compiled",
        priority=10,
    ),
    Capability(
        kind=Kind.KERNEL,
        name="simulate",
        target="nanobook_native._simulate:simulate",
        summary="weights held on prices with costs and stops, compiled",
        priority=10,
    ),
    Capability(
        kind=Kind.KERNEL,
        name="itch_decode",
        target="nanobook_native._itch_decode:itch_decode",
        summary="bytes of an ITCH feed to tables, compiled",
        priority=10,
    ),
    Capability(
        kind=Kind.KERNEL,
        name="itch_books",
        target="nanobook_native._itch_books:ItchBooks",
        summary="all books of an ITCH feed straight from its bytes, compiled",
        priority=10,
    ),
]


@hookimpl
def nanobook_engines() -> list[Capability]:
    """Offer the compiled engine, ahead of the reference engine; nothing if there is none."""
    return _ENGINES if COMPILED else []


@hookimpl
def nanobook_kernels() -> list[Capability]:
    """Offer the compiled kernels, ahead of the core's functions; nothing if there are none."""
    return _KERNELS if COMPILED else []
