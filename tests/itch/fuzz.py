"""Random and mutated bytes through every kernel of ITCH, by hand:

    python -m tests.itch.fuzz --inputs 10000000

Every input goes through the best decoder or the best books that are installed, strictly or
leniently; one of `--compare` through both, both ways and in pieces, and through those of all other
kernels, which must do the same, and one in ten of these through `ItchFeed`, half of them packed by
gzip and damaged once more. Nothing but `ItchError` may be raised, no input may take a second of
processor time, and memory may not grow.
The same seed gives the same inputs; a failure prints its input.
"""

from __future__ import annotations

import argparse
import faulthandler
import gzip
import resource
import sys
import time
from collections import Counter
from random import Random

import click
from tests.itch.compare import ALL, END, booked, decoded, kernels

import nanobook
from nanobook_core.contracts.itch import ItchMemory
from nanobook_core.errors import ItchError
from nanobook_core.plugin.registry import default_registry
from nanobook_itch.testing.strategies import SYMBOLS, Draft, Step

BATCH = 1000
HANGS = 60
"""Seconds after which a batch that has not ended is a hang; the process then says where it is."""
MOST_GROWTH = 64 * 2**20
KINDS = "AAAAAAFUUUDDEEEECCXXXPQBRHSYLVWKJhINO"
NUMBERS = tuple(
    value.to_bytes(size, "big")
    for size, values in (
        (1, (0, 1, 127, 128, 255)),
        (2, (0, 1, 2, 12, 19, 36, 2**15, 2**16 - 1)),
        (4, (0, 1, 2**31 - 1, 2**31, 2**32 - 1)),
        (8, (0, 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1)),
    )
    for value in values
)


class FailureError(AssertionError):
    """Something that may not happen, with the input that did it."""

    def __init__(self, what, data):
        super().__init__(f"{what}\ninput: {data.hex()}")


def make_days(random, n=400):
    """Small valid days, each as its messages."""
    days = []
    for _ in range(n):
        draft = Draft(random.choice((0, 1, 2**32 - 2, 2**64 - 200)))
        for _ in range(random.randint(1, 16)):
            draft.add(
                Step(
                    random.choice(KINDS),
                    random.randrange(len(SYMBOLS)),
                    *(random.randrange(41), random.randrange(8), random.randrange(4)),
                    random.choice((0, 1, 7)),
                )
            )
        days.append(draft.messages)
    return days


# What is done to the messages of a day


def swap(random, messages, _):
    a, b = random.randrange(len(messages)), random.randrange(len(messages))
    messages[a], messages[b] = messages[b], messages[a]


def repeat(random, messages, _):
    messages.insert(random.randrange(len(messages) + 1), random.choice(messages))


def drop(random, messages, _):
    del messages[random.randrange(len(messages))]


def splice(random, messages, days):
    place = random.randrange(len(messages) + 1)
    messages[place:] = random.choice(days)[random.randrange(4) :]


def retype(random, messages, _):
    place = random.randrange(len(messages))
    told = messages[place]
    messages[place] = told[:2] + random.choice(KINDS).encode() + told[3:]


# What is done to bytes


def flip(random, data):
    data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def scribble(random, data):
    data[random.randrange(len(data))] = random.randrange(256)


def number(random, data):
    value = random.choice(NUMBERS)
    place = random.randrange(len(data))
    data[place : place + len(value)] = value


def cut(random, data):
    del data[random.randrange(len(data)) :]


def cut_out(random, data):
    place = random.randrange(len(data))
    del data[place : place + random.randint(1, 40)]


def put_in(random, data):
    place = random.randrange(len(data))
    data[place:place] = random.randbytes(random.randint(1, 40))


MESSAGES = (swap, repeat, drop, splice, retype)
BYTES = (flip, flip, scribble, number, number, cut, cut_out, put_in)


def make_input(random, days):
    """One in 16 is of random bytes alone, the rest a day that was changed once or oftener."""
    if random.random() < 1 / 16:
        return random.randbytes(random.randrange(120))
    messages = [*random.choice(days)]
    while messages and random.random() < 0.4:
        random.choice(MESSAGES)(random, messages, days)
    data = bytearray(b"".join(messages))
    while data:
        random.choice(BYTES)(random, data)
        if random.random() < 0.5:
            break
    return bytes(data)


class Fuzz:
    """Inputs of a seed, and what has come of them."""

    def __init__(self, seed, compare):
        self.seed = seed
        self.compare = compare
        self.days = make_days(Random(seed))  # noqa: S311 - inputs, not secrets
        registry = default_registry()
        self.decode = registry.load("kernel", "itch_decode")
        self.books = registry.load("kernel", "itch_books")
        self.kernels = {name: kernels(name) for name in ("itch_decode", "itch_books")}
        self.memory = ItchMemory()
        self.outcomes = Counter()
        self.n_compared = self.n_feeds = self.n_bytes = 0
        self.slowest = 0.0

    def batch(self, number):
        random = Random(f"{self.seed}/{number}")  # noqa: S311 - as above
        for _ in range(BATCH):
            data = make_input(random, self.days)
            self.n_bytes += len(data)
            began = time.thread_time()
            try:
                self.one(data, random)
                if random.randrange(self.compare) == 0:
                    self.all(data, random)
            except FailureError:
                raise
            except Exception as error:
                raise FailureError(f"{type(error).__name__}: {error}", data) from error
            took = time.thread_time() - began
            if took > 1:
                raise FailureError(f"{took:.1f} s of processor time", data)
            self.slowest = max(self.slowest, took)

    def decode_one(self, data, *, strict):
        memory = self.memory
        memory.sequence = memory.offset = memory.timestamp = 0
        found = self.decode(data, memory, symbols=None, types=None, start=0, end=END, strict=strict)
        if found.n_bytes > len(data):
            raise FailureError("more was read than there is", data)
        return found

    def book_one(self, data, *, strict):
        books = self.books(
            symbols=None, strict=strict, tables=ALL, depth=2, grid=None, start=0, end=END
        )
        try:
            books.feed(data)
        finally:
            # Not after each: it takes longer than all the rest.
            if len(data) % 16 == 0:
                if len(books) != len(books.orders()):
                    raise FailureError("not as many orders as it says", data)
                books.take()
        return books

    def one(self, data, random):
        """Through the best decoder or the best books, strictly or leniently."""
        draw = random.randrange(4)
        act = self.decode_one if draw & 1 else self.book_one
        try:
            said = "lenient, problems" if act(data, strict=draw > 1).n_problems else "no problem"
        except ItchError as error:
            said = "strict: " + str(error).split(": ")[1]
        self.outcomes[f"{act.__name__}: {said}"] += 1

    def all(self, data, random):
        """Through all kernels, which must do the same, and some through the feed."""
        self.n_compared += 1
        sizes = [random.randrange(80) for _ in range(random.randrange(4))]
        for strict in (True, False):
            for name, look in (("itch_decode", decoded), ("itch_books", booked)):
                told = {
                    whose: look(kernel, data, sizes, strict=strict)
                    for whose, kernel in self.kernels[name].items()
                }
                for whose, outcome in told.items():
                    if outcome != told["model"]:
                        raise FailureError(f"{name} of {whose} is not as the model's", data)
        if random.randrange(10) == 0:
            self.feed(data, random)

    def feed(self, data, random):
        self.n_feeds += 1
        if random.random() < 0.5:
            packed = bytearray(gzip.compress(data, mtime=0))
            flip(random, packed)
            data = bytes(packed)
        for strict in (True, False):
            feed = nanobook.ItchFeed(data, strict=strict, progress=False)
            for act in (feed.info, feed.messages, feed.books):
                try:
                    act()
                except ItchError as error:
                    self.outcomes["feed: " + str(error).split(": ")[1][:60]] += 1
                else:
                    self.outcomes["feed: read"] += 1


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="batch to begin with")
    parser.add_argument("--compare", type=int, default=2000, help="one of so many goes through all")
    asked = parser.parse_args(arguments)
    fuzz = Fuzz(asked.seed, asked.compare)
    n_batches = -(-asked.inputs // BATCH)
    began, before = time.monotonic(), None
    for number in range(asked.first, asked.first + n_batches):
        faulthandler.dump_traceback_later(HANGS, exit=True, file=sys.__stderr__)
        try:
            fuzz.batch(number)
        except FailureError as failure:
            click.echo(f"batch {number}: {failure}", err=True)
            return 1
        finally:
            faulthandler.cancel_dump_traceback_later()
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        # By the tenth everything has been imported and allocated once.
        if number - asked.first == min(9, n_batches - 1):
            before = grown
        if before is not None and grown - before > MOST_GROWTH:
            click.echo(f"batch {number}: memory grew by {grown - before} bytes", err=True)
            return 1
        if (number + 1 - asked.first) % 500 == 0:
            done = (number + 1 - asked.first) * BATCH
            click.echo(f"{done} inputs, {time.monotonic() - began:.0f} s", err=True)
    click.echo(f"{n_batches * BATCH} inputs of {fuzz.n_bytes} bytes, seed {asked.seed}")
    click.echo(f"{fuzz.n_compared} compared with all kernels, {fuzz.n_feeds} read as feeds")
    click.echo(f"slowest {fuzz.slowest:.3f} s; memory grew by {grown - before} bytes; no hang")
    for outcome, n in sorted(fuzz.outcomes.items()):
        click.echo(f"{n:>10} {outcome}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
