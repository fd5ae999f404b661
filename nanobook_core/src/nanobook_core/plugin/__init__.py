"""How parts are found: capabilities, the hooks that offer them, the policy and the registry."""

from nanobook_core.plugin.capability import CONTRACTS, Capability, Kind
from nanobook_core.plugin.hookspecs import hookimpl
from nanobook_core.plugin.policy import FIRST_PARTY, PluginPolicy
from nanobook_core.plugin.registry import Problem, Registry, default_registry

__all__ = [
    "CONTRACTS",
    "FIRST_PARTY",
    "Capability",
    "Kind",
    "PluginPolicy",
    "Problem",
    "Registry",
    "default_registry",
    "hookimpl",
]
