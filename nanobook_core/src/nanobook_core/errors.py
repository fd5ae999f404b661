"""Every exception that nanobook raises on purpose, and how a value stands in its message."""

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


class LogTruncatedError(NanobookError, RuntimeError):
    """The log of events does not go back to the start, so nothing can be rebuilt from it."""


class ConcurrentUseError(NanobookError, RuntimeError):
    """Another thread is inside this exchange; give each thread its own, or use a lock."""


class JournalError(NanobookError, ValueError):
    """A file of events is damaged, of another version or in use; it is left as it was."""


class ItchError(NanobookError, ValueError, OSError):
    """A feed of market data is not what its specification says; no part of it is handed out.

    The original raises `OSError`, and so this is one too.
    """

    def __init__(self, message: str, *, offset: int = 0, type: str = "") -> None:  # noqa: A002
        super().__init__(message)
        self.offset = offset
        """Where, in bytes from the start of the unpacked source."""
        self.type = type
        """Of the message; empty where there is none."""

    def __str__(self) -> str:
        return str(self.args[0])

    def __reduce__(self) -> tuple[object, ...]:
        return _itch_error, (*self.args, self.offset, self.type)


def _itch_error(message: str, offset: int, kind: str) -> ItchError:
    return ItchError(message, offset=offset, type=kind)


class SecretError(NanobookError, ValueError):
    """A credential cannot be had, or stands where it must not; its value is in no message."""


class OptimizationError(NanobookError, RuntimeError):
    """No weights are given, because none fulfil the constraints or none were proved optimal."""

    def __init__(self, message: str, status: str = "", constraints: tuple[str, ...] = ()) -> None:
        super().__init__(message, status, constraints)
        self.status = status
        """`infeasible`, `not optimal`, or what the solver said."""
        self.constraints = constraints
        """In words, those that conflict, or that bind at what was found."""

    def __str__(self) -> str:
        return str(self.args[0])


class PluginWarning(UserWarning):
    """A plugin, or a part of one, was set aside; `nanobook plugins` says why."""


class JournalWarning(UserWarning):
    """A crash left a journal or a snapshot damaged, and it was mended or done without."""


class ItchWarning(UserWarning):
    """A checkpoint of a feed was set aside, or `lifecycles` are of a feed that is not whole."""


def shown(value: object) -> str:
    """The value, abridged, and its type; only the type where the value cannot be printed."""
    kind = type(value).__name__
    try:
        return f"{value!r:.80} ({kind})"
    except Exception:  # noqa: BLE001 - a foreign __repr__, or an int of thousands of digits
        return f"({kind}, too odd to print)"
