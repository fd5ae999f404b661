"""The records that plugins hand over and that `capabilities()` reads."""

from __future__ import annotations

from enum import StrEnum
from importlib import import_module
from typing import Any

from attrs import evolve, field, frozen, validators

from nanobook_core.errors import ValidationError


class Kind(StrEnum):
    """What a capability is, and so which contract it honours."""

    BROKER = "broker"
    FILL_MODEL = "fill_model"
    COST_MODEL = "cost_model"
    RISK_CHECK = "risk_check"
    OPTIMIZER = "optimizer"
    PARSER = "parser"
    ENGINE = "engine"
    KERNEL = "kernel"
    FORECASTER = "forecaster"
    EXECUTOR = "executor"
    COMMAND = "command"
    FEATURE = "feature"

    @classmethod
    def _missing_(cls, value: object) -> Kind:
        raise ValidationError(f"there is no kind {value!r:.80}; kinds are {', '.join(cls)}")


#: The newest contract of each kind that this core speaks, and the oldest that it still accepts.
CONTRACTS: dict[Kind, tuple[int, int]] = dict.fromkeys(Kind, (1, 1))

SUMMARY_LENGTH = 80


def _one_line(_: object, __: object, summary: str) -> None:
    # Printable, because it is shown on terminals: no line ends, no control codes.
    if not (0 < len(summary) <= SUMMARY_LENGTH and summary.isprintable()):
        raise ValidationError(
            f"summary is one printable line of at most {SUMMARY_LENGTH} characters, "
            f"got {summary!r:.100}"
        )


@frozen(kw_only=True)
class Capability:
    """One implementation that a distribution offers.

    `target` is an import path, `package.module:attribute`, so that a capability can be listed
    without importing what stands behind it.
    """

    kind: Kind = field(converter=Kind)
    name: str = field(validator=validators.matches_re(r"[a-z][a-z0-9_]*"))
    target: str = field(validator=validators.matches_re(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*"))
    summary: str = field(validator=_one_line)
    """One line of at most 80 characters."""
    contract: int = field(default=1, validator=validators.instance_of(int))
    feature: str = field(default="", validator=validators.matches_re(r"[a-z0-9_]*"))
    """Name in the flat `capabilities()` list; `<kind>_<name>` when empty.

    Honoured for first-party distributions only.
    """
    export: str = field(default="", validator=validators.matches_re(r"\w*"))
    """Name on the `nanobook` package itself. Honoured for first-party distributions only."""
    priority: int = field(default=0, validator=validators.instance_of(int))
    """Among first-party capabilities of one name the highest is used.

    Honoured for first-party distributions only.
    """
    provider: str = field(default="", validator=validators.instance_of(str))
    """Distribution name; set by the registry, never by the plugin."""
    version: str = field(default="", validator=validators.instance_of(str))
    """Distribution version; set by the registry."""

    @property
    def flat_name(self) -> str:
        """Name in the flat list."""
        return self.feature or f"{self.kind}_{self.name}"

    @property
    def qualified_name(self) -> str:
        """Name that no other distribution can claim."""
        return f"{self.provider}:{self.name}"

    def provided_by(self, provider: str, version: str, *, trusted: bool) -> Capability:
        """Return it marked with where it came from; claims that are ours alone are dropped."""
        claims: dict[str, Any] = {} if trusted else {"feature": "", "export": "", "priority": 0}
        return evolve(self, provider=provider, version=version, **claims)

    def load(self) -> Any:
        """Import and return what the target names.

        Raises:
            ImportError: the module, or something that it imports, is missing.
            AttributeError: the module has no such attribute.

        """
        module, _, attribute = self.target.partition(":")
        found: Any = import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
        return found
