"""Rows of files that must be refused."""

import json
from pathlib import Path

DATA = Path(__file__).parents[1] / "data" / "rebalancer"


def rows_of(name):
    """The rows of a table: each with a name, the file's content, and how the message begins."""
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def row_bytes(row):
    """The bytes of a row: in hexadecimal, or pieces of text, some of them many times."""
    if "hex" in row:
        return bytes.fromhex(row["hex"])
    return "".join(p if isinstance(p, str) else p[0] * p[1] for p in row["data"]).encode()
