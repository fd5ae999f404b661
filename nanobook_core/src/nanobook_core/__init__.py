"""Contracts, registry and kernel of nanobook; what a plugin author imports."""

from nanobook_core.plugin.capability import Capability, Kind
from nanobook_core.plugin.hookspecs import hookimpl

__all__ = ["Capability", "Kind", "hookimpl"]
