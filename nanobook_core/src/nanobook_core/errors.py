"""Every exception that nanobook raises on purpose."""

from __future__ import annotations


class NanobookError(Exception):
    """Root of all of them."""


class ValidationError(NanobookError, ValueError):
    """An argument has the right type but a value that is not allowed; nothing has changed."""


class PluginError(NanobookError):
    """A plugin could not be used."""


class CapabilityNotFoundError(PluginError, LookupError):
    """Nothing installed provides that name."""


class AmbiguousCapabilityError(PluginError, LookupError):
    """Several providers offer that name; say which one, as `provider:name`."""


class PolicyError(PluginError):
    """The plugin policy is not met: a required plugin is missing, refused or broken."""


class PluginWarning(UserWarning):
    """A plugin, or a part of one, was set aside; `nanobook plugins` says why."""
