"""JSON for scripts."""

from __future__ import annotations

import json
import math
from typing import Any

import click


def print_json(document: Any) -> None:
    """Print a document of plain values; a float that JSON has no word for, infinity, is null."""
    click.echo(json.dumps(_finite(document), indent=2, allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
