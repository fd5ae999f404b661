"""Files that are there when they are whole, several together or none."""

from __future__ import annotations

import errno
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nanobook_core.interrupt import interrupts_held


def check_new(paths: Iterable[Path], *, force: bool) -> None:
    """Refuse to replace files, unless `force`.

    Raises:
        FileExistsError: one is there.

    """
    for path in () if force else paths:
        if path.is_file():
            raise FileExistsError(errno.EEXIST, "is there; force=True replaces it", str(path))


@contextmanager
def part_files(paths: Iterable[Path]) -> Iterator[list[Path]]:
    """Give a path ending in `.part` for each; they get their names when all went well.

    Ctrl-C waits while they do; an error of the system between two of them is not undone.

    Until then what has these names stays as it is; after an exception the parts are removed.
    Folders are made where they are missing, and removed again.

    Raises:
        IsADirectoryError: a name is that of a folder.

    """
    names = list(paths)
    folders = {folder for name in names for folder in name.parents if not folder.exists()}
    for name in names:
        if name.is_dir():
            raise IsADirectoryError(f"{name} is a folder")
    # A name of its own, as two may write the same files at a time.
    token = secrets.token_hex(4)
    parts = [name.with_name(f"{name.name}.{token}.part") for name in names]
    try:
        for name in names:
            name.parent.mkdir(parents=True, exist_ok=True)
        yield parts
        with interrupts_held():
            for part, name in zip(parts, names, strict=True):
                part.replace(name)
    except BaseException:
        for part in parts:
            with suppress(FileNotFoundError):
                part.unlink()
        for folder in sorted(folders, reverse=True):
            with suppress(OSError):  # it was not made, or has something of others by now
                folder.rmdir()
        raise
