"""Feeds that the tests read, and how results are compared."""

from functools import cache

import numpy as np

from nanobook_itch.testing.day import day_bytes


@cache
def day(messages=3000, symbols=12, seed=5):
    """A valid day, with the mark of its end."""
    return day_bytes(messages=messages, symbols=symbols, seed=seed, end_mark=True)


def plain_tables(tables):
    """Rows that can be compared."""
    return {
        name: [[table[column].tolist() for column in table.dtype.names]]
        if name == "depth"
        else table.tolist()
        for name, table in tables.items()
    }


def plain(tables):
    """Rows, and what was wrong."""
    index = {"index": tables.index.tolist()} if hasattr(tables, "index") else {}
    return plain_tables(tables) | index, tables.problems, dict(tables.n_problems)


def put_together(parts):
    """One table of each name from those of chunks, as rows, without indices."""
    parts = list(parts)
    return plain_tables({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
