"""What `nanobook doctor` says of one thing."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from attrs import frozen


@frozen
class Finding:
    """One thing that was looked at."""

    level: Literal["ok", "note", "warning", "error"]
    about: str
    detail: str


def installed(name: str) -> str | None:
    """Version of a distribution; None where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None
