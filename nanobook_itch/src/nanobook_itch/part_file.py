"""Files that are there when they are whole, several together or none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def part_files(paths: Iterable[Path]) -> Iterator[list[Path]]:
    """Give a path ending in `.part` for each; they get their names when all went well.

    Until then what has these names stays as it is; after an exception the parts are removed.

    Raises:
        IsADirectoryError: a name is that of a folder.

    """
    names = list(paths)
    for name in names:
        if name.is_dir():
            raise IsADirectoryError(f"{name} is a folder")
    parts = [name.with_name(f"{name.name}.part") for name in names]
    try:
        yield parts
        for part, name in zip(parts, names, strict=True):
            part.replace(name)
    except BaseException:
        for part in parts:
            part.unlink(missing_ok=True)
        raise
