"""An exchange whose requests are on disk before they run; docs/journal.md has the guarantees."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from inspect import signature
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar, cast

from nanobook_core.contracts import ApplyResult, Engine, Event, EventKind
from nanobook_core.errors import (
    ConcurrentUseError,
    JournalError,
    JournalWarning,
    shown,
)
from nanobook_core.lob import snapshot
from nanobook_core.lob.append_file import AppendFile, check_fsync
from nanobook_core.lob.file_layer import FileLayer, lock, real_path, unlock
from nanobook_core.lob.journal_line import checksum, record
from nanobook_core.lob.recovery import Recovered, create, mend, recover
from nanobook_core.lob.snapshot import Snapshot
from nanobook_core.types import StopTrigger, TrailMethod

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray

    from nanobook_core.lob.exchange import ExchangeBase, Result

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")

#: What an event calls the arguments of requests that go by another name.
_ATTRIBUTES = {
    "tif": "time_in_force",
    "initial_stop_price": "stop_price",
    "limit_price": "price",
    "new_price": "price",
    "new_quantity": "quantity",
    "by": "quantity",
}

_REMEDY = "it takes no more requests: open it anew, what is on disk decides"

_TRAIL = ("trail_type", "trail_value", "atr_period")


def _journalled(
    method: Callable[Concatenate[Engine, Parameters], Answer],
) -> Callable[Concatenate[Journal, Parameters], Answer]:
    """Make the journal's twin of a request: check it, write it ahead, run it."""
    kind = EventKind(method.__name__)
    call = signature(method)

    @wraps(method)
    def request(self: Journal, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
        bound = call.bind(self, *args, **kwargs)
        bound.apply_defaults()
        _, *arguments = bound.arguments.items()
        fields = {_ATTRIBUTES.get(name, name): value for name, value in arguments}
        trail = [fields.pop(name) for name in _TRAIL if name in fields]
        if trail:
            fields["trail_method"] = TrailMethod.parse(*trail)
        return cast("Answer", self.submit(Event(kind, **fields)))

    return cast("Callable[Concatenate[Journal, Parameters], Answer]", request)


class Journal:
    """An exchange, and the file that brings it back.

    A request that has returned is on disk, as far as `fsync` says, and is there again after a
    crash. Requests go through the journal, by the names that they have on the exchange; questions
    go to `exchange`, which keeps no log of its own. One that is made on the exchange itself is not
    in the journal.

    Where two threads are inside at once, one gets a ConcurrentUseError.
    """

    def __init__(
        self,
        *,
        path: Path,
        files: FileLayer,
        file: AppendFile,
        held: int,
        recovered: Recovered,
        problems: tuple[str, ...],
    ) -> None:
        self.path = path
        self.exchange = recovered.exchange
        """The live exchange."""
        self.sequence = recovered.last.sequence
        """The number of records, so that of the last one."""
        self.problems = problems
        """What was wrong when it was opened, and was mended; each was a JournalWarning too."""
        self._checksum = recovered.last.checksum
        self._files = files
        self._file = file
        self._held: int | None = held
        self._process = os.getpid()
        self._turn = threading.Lock()
        self._failure: str | None = None

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        fsync: str | float = "always",
        stop_trigger: str | None = None,
        engine: type[ExchangeBase] | None = None,
        files: FileLayer | None = None,
    ) -> Self:
        """Create a journal, or recover the one that is there, and hold it against other writers.

        `fsync` says what a loss of power may take: `"always"` nothing that was acknowledged; a
        number of milliseconds what was acknowledged in that time; `"off"` what the operating system
        had not written yet. A crash of the process alone takes nothing in any case.

        An incomplete last record, as a crash leaves it, is moved to `<path>.torn`. `stop_trigger`
        is the exchange's, `"every"` for a new one. `engine` is the best one installed.

        Raises:
            JournalError: it is damaged, of another version, or open elsewhere; it is untouched.
            OSError: it cannot be created, read or written.

        """
        fsync = check_fsync(fsync)
        trigger = None if stop_trigger is None else StopTrigger(stop_trigger)
        files = files or FileLayer()
        path = real_path(path)
        with ExitStack() as undo:
            held = lock(path.with_name(f"{path.name}.lock"))
            undo.callback(os.close, held)
            create(files, path, trigger or StopTrigger.EVERY)
            recovered = recover(path, engine or _best_engine(), use_snapshots=True)
            found = recovered.exchange.stop_trigger
            if trigger not in (None, found):
                raise JournalError(
                    f"{path}: its stop_trigger is {found.value!r}, not {stop_trigger!r}"
                )
            file = AppendFile(files, path, fsync)
            undo.callback(file.close)
            problems = (*recovered.problems, *mend(files, path, file, recovered))
            for problem in problems:
                warnings.warn(problem, JournalWarning, stacklevel=2)
            undo.pop_all()
        return cls(
            path=path,
            files=files,
            file=file,
            held=held,
            recovered=recovered,
            problems=problems,
        )

    @staticmethod
    def read(
        path: str | os.PathLike[str], *, engine: type[ExchangeBase] | None = None
    ) -> ExchangeBase:
        """Make the exchange of all whole records, with its history, and touch nothing.

        While a writer is at work this is what it was after one of its requests.

        Raises:
            JournalError: as `open`, but for one that is open elsewhere.
            OSError: it cannot be read.

        """
        return recover(real_path(path), engine or _best_engine(), use_snapshots=False).exchange

    submit_limit = _journalled(Engine.submit_limit)
    submit_market = _journalled(Engine.submit_market)
    submit_stop_market = _journalled(Engine.submit_stop_market)
    submit_stop_limit = _journalled(Engine.submit_stop_limit)
    submit_trailing_stop_market = _journalled(Engine.submit_trailing_stop_market)
    submit_trailing_stop_limit = _journalled(Engine.submit_trailing_stop_limit)
    cancel = _journalled(Engine.cancel)
    modify = _journalled(Engine.modify)
    reduce = _journalled(Engine.reduce)
    cancel_all = _journalled(Engine.cancel_all)

    def submit(self, event: Event) -> Result:
        """Write an event, then make its request, and return what its own method does.

        Raises:
            OverflowError: the state refuses it. It is in the journal, and refused there too.
            JournalError: it could not be written, and has not run; the journal takes no more.
            ConcurrentUseError: another thread is inside.

        """
        if not isinstance(event, Event):
            raise TypeError(f"a request is an Event, got {shown(event)}")
        with self._request():
            self._append([event])
            return self.exchange.submit(event)

    def apply(self, ops: NDArray[Any]) -> ApplyResult:
        """Write all rows of a batch at once, then run it; see `nanobook.make_ops`.

        A crash may leave the first of its records only. Where Ctrl-C ends it between two rows, the
        journal takes no more: opened anew, it has them all.

        Raises:
            TypeError, OverflowError, ValidationError: a row is malformed; nothing is written.
            JournalError, ConcurrentUseError: as `submit`.

        """
        from nanobook_core.lob.batch import check_row, first_malformed, to_event
        from nanobook_core.lob.ops import coerced

        rows = coerced(ops).copy()  # what is written is what runs, whatever becomes of the caller's
        if (bad := first_malformed(rows)) is not None:
            check_row(rows, bad)
        events = [to_event(row) for row in rows]
        with self._request():
            self._append(events)
            return self.exchange.apply(rows)

    def sync(self) -> None:
        """Return once every request so far survives a loss of power.

        Raises:
            JournalError: it cannot be said; the journal takes no more requests.

        """
        with self._alone():
            self._sync()

    def _sync(self) -> None:
        try:
            self._file.sync()
        except OSError as error:
            raise self._broken(error) from error

    def snapshot(self) -> Path:
        """Write the state to a file beside the journal, from which opening is faster; its path.

        The newest two are kept. An exchange that starts from one has neither the trades nor the
        finished orders from before it; that of `Journal.read` has.

        Raises:
            OSError: it cannot be written; the journal goes on without.
            JournalError: as `sync`.

        """
        with self._alone():
            self._sync()  # what it is a snapshot of must not be lost while it is not
            exchange = self.exchange
            taken = Snapshot(self.sequence, self._checksum, exchange.state(), exchange.state_hash())
            return snapshot.write(self._files, self.path, taken)

    def close(self) -> None:
        """Sync, and let others open it; the exchange stays as it is.

        Raises:
            JournalError: what has not been synced before may be lost.

        """
        with self._turn_taken():
            held, self._held = self._held, None
            if held is None:
                return
            try:
                self._file.close()
            except OSError as error:
                if self._failure is None:  # else it has been said
                    raise self._broken(error) from error
            finally:
                unlock(held, here=self._process == os.getpid())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Journal({str(self.path)!r}, records={self.sequence})"

    @contextmanager
    def _turn_taken(self) -> Iterator[None]:
        if not self._turn.acquire(blocking=False):
            raise ConcurrentUseError("another thread is inside this journal; use a lock")
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other threads out, and refuse where the journal cannot be trusted any more."""
        with self._turn_taken():
            if self._held is None:
                raise JournalError(f"{self.path}: is closed")
            if self._process != os.getpid():
                raise JournalError(f"{self.path}: was opened before a fork; open it in the child")
            if self._failure is not None:
                raise JournalError(f"{self.path}: {self._failure}; {_REMEDY}")
            yield

    @contextmanager
    def _request(self) -> Iterator[None]:
        with self._alone():
            # Until it has run, the journal is ahead of the exchange; Ctrl-C leaves it there.
            self._failure = "a request was interrupted"
            try:
                yield
            except OSError as error:
                raise self._broken(error) from error
            except OverflowError:  # the state refused it and is as before; so will a replay
                self._failure = None
                raise
            self._failure = None

    def _broken(self, error: OSError) -> JournalError:
        self._failure = f"could not write: {error}"
        return JournalError(f"{self.path}: {self._failure}; {_REMEDY}")

    def _append(self, events: list[Event]) -> None:
        lines = [record(number, event) for number, event in enumerate(events, self.sequence + 1)]
        if lines:
            self._file.append(b"".join(lines))
            self.sequence += len(lines)
            self._checksum = checksum(lines[-1])


def _best_engine() -> type[ExchangeBase]:
    from nanobook_core.plugin.registry import default_registry

    engine: type[ExchangeBase] = default_registry().load("engine", "exchange")
    return engine
