"""What the venue says no with."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818 - the venue's answer, not a defect of ours
    """One of the venue's codes with its words; what was refused has changed nothing.

    `retry_after` is in seconds, where the venue says one.
    """

    def __init__(
        self,
        code: int,
        message: str,
        http_status: int = 400,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.http_status = http_status
        self.retry_after = retry_after


def filter_failure(name: str) -> Refusal:
    """-1013: an order does not pass that filter."""
    return Refusal(-1013, f"Filter failure: {name}")
