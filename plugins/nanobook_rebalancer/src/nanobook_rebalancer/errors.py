"""What stops a rebalance before an order is at risk."""

from __future__ import annotations

from nanobook_core.errors import NanobookError


class InputError(NanobookError, ValueError):
    """A file that a person wrote, or a setting, is not as it must be; nothing was done."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(path, message)
        self.path = path
        """Which value, as in `target.json: targets[3].weight`."""
        self.message = message

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class AuditError(NanobookError, ValueError):
    """The audit log is damaged, of another version or not ours; it is left as it was."""

    def __init__(self, path: str, line: int, offset: int, message: str) -> None:
        super().__init__(path, line, offset, message)
        self.path = path
        self.line = line
        """Counted from 1; 0 where it is not one line that is wrong."""
        self.offset = offset
        """Of the line's first byte."""
        self.message = message

    def __str__(self) -> str:
        where = f": line {self.line} at byte {self.offset}" if self.line else ""
        return f"{self.path}{where}: {self.message}"


class AuditWriteError(NanobookError, OSError):
    """The audit log could not be written; it takes nothing more until it is opened anew."""

    def __init__(self, path: str, cause: OSError) -> None:
        super().__init__(path, cause)
        self.path = path
        self.cause = cause
        """What the operating system said, the first time."""

    def __str__(self) -> str:
        return f"{self.path}: cannot be written: {self.cause}; nothing more may be sent"


class LockedError(NanobookError, RuntimeError):
    """Another rebalancer is at work with the same audit log."""

    def __init__(self, path: str, owner: str) -> None:
        super().__init__(path, owner)
        self.path = path
        self.owner = owner
        """Its process, the time when it started and its host, as far as they can be read."""

    def __str__(self) -> str:
        return f"{self.path} is held by {self.owner}; wait for it, or end it"


class PlanError(NanobookError, RuntimeError):
    """No plan can be made of these targets now; nothing was sent."""
