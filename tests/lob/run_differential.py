"""Compare engines over as many requests as you like; see --help.

    python tests/lob/run_differential.py --requests 100e6 --processes 2

Streams are numbered: a run ends with the number from which the next one goes on.
"""
# ruff: noqa: T201 - it prints

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.lob.differential import DivergenceError, run_streams, shown
from tests.lob.engines import ENGINES
from tests.lob.hang_guard import time_limit
from tests.lob.model import Model

LENGTH = 2000
STREAMS_A_CHUNK = 10
LIMIT = 600


def main():
    options = parsed()
    chunks = max(1, round(options.requests / LENGTH / STREAMS_A_CHUNK))
    seeds = range(options.seed, options.seed + chunks * STREAMS_A_CHUNK, STREAMS_A_CHUNK)
    counts, started, last_line = Counter(), time.monotonic(), 0.0
    seed, divergence = options.seed, None
    with ProcessPoolExecutor(options.processes) as pool:
        answers = in_turn(pool, seeds, options)
        try:
            for answer in answers:
                if isinstance(answer, str):
                    divergence = answer
                    break
                counts += answer
                seed += STREAMS_A_CHUNK
                if time.monotonic() - last_line > 10:
                    last_line = time.monotonic()
                    rate = counts["requests"] / (last_line - started)
                    print(f"{counts['requests']:>14,} requests, {rate:,.0f} a second", flush=True)
        except KeyboardInterrupt:
            pass
        pool.shutdown(cancel_futures=True)
    print(shown(counts))
    print(f"{time.monotonic() - started:,.0f} s; go on with --seed {seed}")
    print(divergence or "no divergence")
    return 1 if divergence else 0


def parsed():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=float, default=1e6, help="how many, such as 100e6")
    parser.add_argument("--model", action="store_true", help="compare with the naive model too")
    parser.add_argument("--seed", type=int, default=1_000_000, help="number of the first stream")
    parser.add_argument("--processes", type=int, default=1)
    return parser.parse_args()


def in_turn(pool, seeds, options):
    """Answers in the order of the seeds, with few chunks under way at a time."""
    seeds = iter(seeds)
    under_way = [
        pool.submit(run_chunk, seed, model=options.model)
        for seed in islice(seeds, 2 * options.processes)
    ]
    while under_way:
        yield under_way.pop(0).result()
        under_way += [
            pool.submit(run_chunk, seed, model=options.model) for seed in islice(seeds, 1)
        ]


def run_chunk(seed, *, model):
    makers = [*reversed(ENGINES.values()), *([Model] if model or len(ENGINES) == 1 else [])]
    try:
        with time_limit(LIMIT):
            return run_streams(makers, range(seed, seed + STREAMS_A_CHUNK), LENGTH)
    except DivergenceError as error:
        return str(error)


if __name__ == "__main__":
    raise SystemExit(main())
