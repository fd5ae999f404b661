"""Standard output that may be closed by who reads it."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click


@contextmanager
def printing(*, is_needed: bool = False) -> Iterator[None]:
    """Print what was done: that nobody reads it any more does not change how it ended.

    A stream that cannot be written is given up. Only where it is not merely closed is that said;
    or raised, where what is printed is what was asked for.
    """
    try:
        yield
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except OSError as error:
        for stream in (sys.stdout, sys.stderr):
            _give_up_if_broken(stream)
        if error.errno != errno.EPIPE and is_needed:
            raise
        if error.errno != errno.EPIPE:
            with suppress(OSError):
                click.echo(f"warning: not everything could be printed: {error}", err=True)


def _give_up_if_broken(stream: Any) -> None:
    try:
        stream.flush()
    except OSError:
        # What is left in its buffer would fail once more when the interpreter ends.
        with suppress(OSError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())
            os.close(null)
