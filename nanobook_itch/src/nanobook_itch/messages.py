"""The messages of a feed as tables, one a family."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from attrs import evolve

from nanobook_core.contracts.itch import ItchDecode, ItchDecoded, ItchMemory, ItchProblem
from nanobook_core.contracts.itch_message import MESSAGES
from nanobook_core.contracts.itch_table import FAMILIES
from nanobook_core.errors import ItchError
from nanobook_core.plugin.registry import default_registry
from nanobook_itch.naming import missing_symbols
from nanobook_itch.table import Tables, put_together
from nanobook_itch.time_of_day import END_OF_TIME

if TYPE_CHECKING:
    from nanobook_itch.layout import Table
    from nanobook_itch.run import Runs

#: Problems that are kept.
KEPT = 1000

#: Rows that the index can count.
_ROWS = 2**32

#: Of the time in a message, after its length.
_TIME = slice(7, 13)


class ItchMessages(Tables):
    """The messages that were asked for: a table for every key of `FAMILIES`, and their order."""

    def __init__(
        self,
        families: Mapping[str, Table],
        index: Table,
        problems: tuple[ItchProblem, ...] = (),
        n_problems: Mapping[str, int] | None = None,
        *,
        is_complete: bool | None = None,
        missing: tuple[str, ...] = (),
    ) -> None:
        super().__init__(families, problems, n_problems, is_complete=is_complete, missing=missing)
        self.index = index
        """One row a message, in the order of the source: `sequence`, `row`, `family`, `type`.

        The message is at `row` of the table whose place in `list(self)` is `family`.
        """


def decode_kernel() -> ItchDecode:
    """Return the decoder that is used here: the compiled one, where there is one."""
    kernel: ItchDecode = default_registry().load("kernel", "itch_decode")
    return kernel


def tells_end(run: memoryview) -> bool:
    """Return whether the exchange says in these whole messages that no more will come."""
    found = decode_kernel()(
        run,
        ItchMemory(),
        symbols=None,
        types=frozenset("S"),
        start=0,
        end=END_OF_TIME,
        strict=False,
    )
    return bool((found.families["system"]["event"] == b"C").any())


class Part(NamedTuple):
    """What was found in a run, and what is known of the feed by then."""

    found: ItchDecoded
    is_complete: bool | None
    missing: tuple[str, ...]

    def messages(self) -> ItchMessages:
        """Return what was found as tables."""
        found = self.found
        return ItchMessages(
            found.families,
            found.index,
            found.problems,
            found.n_problems,
            is_complete=self.is_complete,
            missing=self.missing,
        )


def decoded(
    runs: Runs,
    *,
    symbols: frozenset[bytes] | None,
    types: frozenset[str] | None,
    start: int,
    end: int,
    strict: bool,
) -> Iterator[Part]:
    """Decode run by run, to before the first message at or after `end`.

    What is wrong with the end of the source is among the problems of the last.

    Raises:
        ItchError: strict, and something is wrong before that message.

    """
    memory = ItchMemory()
    decode = partial(
        decode_kernel(), symbols=symbols, types=types, start=start, end=end, strict=strict
    )
    is_complete: bool | None = None
    for run in runs:
        found = _decoded_before(run, memory, decode, end)
        runs.use(found.n_bytes)
        is_stopped = runs.is_stopped
        if runs.is_last and not is_stopped:
            problem = runs.ending(memory.offset, memory.sequence)
            if problem is not None and strict:
                raise problem.error()
            if problem is not None:
                found = with_problem(found, problem)
        if found.counts[ord("S")] and tells_end(run[: found.n_bytes]):
            is_complete = True
        elif runs.is_last and not is_stopped and not is_complete:
            is_complete = False
        yield Part(found, is_complete, missing_symbols(memory, symbols))
        if is_stopped:
            return


def _decoded_before(
    run: memoryview, memory: ItchMemory, decode: partial[ItchDecoded], end: int
) -> ItchDecoded:
    if end >= END_OF_TIME:
        return decode(run, memory)
    before = copy.deepcopy(memory)
    try:
        found = decode(run, memory)
    except ItchError:
        if (cut := _cut(run, end)) is None:
            raise
    else:
        if memory.timestamp < end and "time_back" not in found.n_problems:
            return found
        if (cut := _cut(run, end)) is None:
            return found
    vars(memory).update(vars(before))
    found = decode(run[:cut], memory)
    if found.n_bytes < cut:  # what would be the mark of the end, were there nothing after it
        problem = ItchProblem.of(memory.offset, "", "length_zero")
        if decode.keywords["strict"]:
            raise problem.error()
        found = evolve(with_problem(found, problem), n_bytes=cut)
    return found


def _cut(run: memoryview, end: int) -> int | None:
    """Return how many bytes come before the first message at or after `end`, None if none is."""
    at = 0
    while at + 2 < len(run):
        size = int.from_bytes(run[at : at + 2])
        message = MESSAGES.get(chr(run[at + 2]))
        if at + 2 + size > len(run):
            return None
        if message is not None and message.length == size:
            time = run[at + _TIME.start : at + _TIME.stop]
            if int.from_bytes(time) >= end:
                return at
        at += 2 + size
    return None


def with_problem(found: ItchDecoded, problem: ItchProblem) -> ItchDecoded:
    """Return what was found and one problem more."""
    n_problems = Counter(found.n_problems)
    n_problems[problem.reason] += 1
    return evolve(found, problems=(*found.problems, problem)[:KEPT], n_problems=dict(n_problems))


def joined(parts: Iterable[Part]) -> ItchMessages:
    """Return all parts as one.

    Raises:
        OverflowError: a family has more than 2^32 rows.

    """
    tables: dict[str, list[Table]] = {name: [] for name in FAMILIES}
    indices: list[Table] = []
    n_rows = np.zeros(len(FAMILIES), np.int64)
    problems: list[ItchProblem] = []
    n_problems: Counter[str] = Counter()
    is_complete: bool | None = None
    missing: tuple[str, ...] = ()
    for part, is_complete, missing in parts:  # noqa: B007 - of the last
        part.index["row"] += n_rows.astype(np.uint32)[part.index["family"]]
        indices.append(part.index)
        for number, (name, table) in enumerate(part.families.items()):
            n_rows[number] += len(table)
            if len(table) or not tables[name]:
                tables[name].append(table)
        if n_rows.max() > _ROWS:
            raise OverflowError("more than 2^32 messages of a family: ask for chunks")
        problems += part.problems[: KEPT - len(problems)]
        n_problems.update(part.n_problems)
    families = {}
    for name in FAMILIES:  # one by one, so that no more than one table is there twice
        families[name] = put_together(tables.pop(name))
    return ItchMessages(
        families,
        put_together(indices),
        tuple(problems),
        n_problems,
        is_complete=is_complete,
        missing=missing,
    )
