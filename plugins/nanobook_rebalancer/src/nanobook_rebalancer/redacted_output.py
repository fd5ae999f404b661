"""Keeps credentials and account ids out of what a command prints, logs and traces back."""

from __future__ import annotations

import sys
from typing import Any

from nanobook_rebalancer.redaction import Redactor


class RedactedStream:
    """A text stream that writes what its redactor leaves; all else is the stream's."""

    def __init__(self, stream: Any, redactor: Redactor) -> None:
        self._stream = stream
        self._redactor = redactor

    def write(self, text: str) -> int:
        """Write a text without what is secret in it; a secret in two pieces is not found."""
        self._stream.write(self._redactor.text(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write several."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def redact_output(redactor: Redactor) -> None:
    """Let standard output and error go through a redactor until the process ends.

    So do warnings, what logging prints where nobody has set it up, and the traceback of an error
    that nobody catches, which is why there is no way back.
    """
    sys.stdout = RedactedStream(sys.stdout, redactor)
    sys.stderr = RedactedStream(sys.stderr, redactor)
