"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from nanobook_itch.part_file import part_files


def check_free(name: str, *, force: bool) -> None:
    """Refuse to write where something is that is not to be replaced.

    Raises:
        FileExistsError: a file is there and `force` is not, or something that is no file.
        FileNotFoundError: the folder is not there.

    """
    path = Path(name)
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
    if path.exists() and not path.is_file():
        raise FileExistsError(errno.EEXIST, "is there, and is no file to be replaced", name)
    if path.exists() and not force:
        raise FileExistsError(errno.EEXIST, "is there; --force replaces it", name)


def check_folder(name: str, *, force: bool) -> None:
    """Refuse to write into a folder with anything in it, unless `force`.

    Raises:
        FileExistsError: there is something in it, or it is a file.

    """
    path = Path(name)
    if path.is_dir():
        if any(path.iterdir()) and not force:
            raise FileExistsError(
                errno.EEXIST, "is not empty; --force replaces files of the same names in it", name
            )
    elif path.exists():
        raise FileExistsError(errno.EEXIST, "is there, and is no folder", name)


@contextmanager
def replacing(name: str, *, force: bool) -> Iterator[BinaryIO]:
    """Write a file beside, which takes its name once it is whole and is gone if that fails."""
    check_free(name, force=force)
    with part_files([Path(name)]) as (part,), part.open("wb") as file:
        yield file
