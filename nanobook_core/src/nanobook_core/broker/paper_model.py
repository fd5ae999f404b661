"""Models of plugins, as a configuration names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nanobook_core.errors import ValidationError
from nanobook_core.plugin.registry import default_registry


def created(kind: str, model: str | Mapping[str, Any]) -> Any:
    """Return the model of that name, or of a mapping's `name`, made with the mapping's settings.

    Raises:
        ValidationError: a mapping without a name.
        CapabilityNotFoundError: there is no model of that name.

    """
    settings: dict[str, Any] = {"name": model} if isinstance(model, str) else dict(model)
    name = settings.pop("name", None)
    if not isinstance(name, str):
        raise ValidationError(f"a {kind} has a 'name', got {model!r:.80}")
    return default_registry().create(kind, name, **settings)
