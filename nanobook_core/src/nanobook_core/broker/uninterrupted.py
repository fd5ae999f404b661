"""Work that no interrupt (Ctrl-C) leaves half done."""

from __future__ import annotations

import threading
from collections.abc import Callable

#: Seconds for a thread to begin whose start was interrupted, if it will.
_BEGIN = 1.0


def uninterrupted(function: Callable[[], None]) -> None:
    """Call it on a thread of its own, which no interrupt (Ctrl-C) reaches, and wait for it."""
    errors: list[BaseException] = []
    done = threading.Event()  # a `join` that is interrupted would take the thread for ended

    def call() -> None:
        try:
            function()
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=call, name="nanobook-whole")
    try:
        thread.start()
        done.wait()
    except RuntimeError:  # no more threads: the interpreter ends
        call()
    finally:
        if not done.wait(_BEGIN) and thread.ident is not None:
            done.wait()
    if errors:
        raise errors[0]
