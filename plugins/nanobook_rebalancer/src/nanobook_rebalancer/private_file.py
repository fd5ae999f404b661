"""Files that only their owner may read, at paths that lead nowhere else."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from nanobook_core.lob.file_layer import FileLayer

_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
#: A pipe is opened without waiting for its other end, and then refused.
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)


def beside(path: str | os.PathLike[str], suffix: str = "") -> Path:
    """Return the absolute path, symbolic links not followed, with a suffix after its name."""
    whole = Path(os.path.abspath(path))  # noqa: PTH100 - Path.absolute() keeps `..`
    return whole.with_name(whole.name + suffix)


def make_directory(files: FileLayer, directory: Path) -> None:
    """Make a directory, and those above it, with mode 0700; one that is there stays as it is.

    Raises:
        OSError: it cannot be made.

    """
    if directory.is_dir():
        return
    make_directory(files, directory.parent)
    directory.mkdir(mode=0o700, exist_ok=True)
    files.fsync_directory(directory.parent)


def open_private(files: FileLayer, path: Path, flags: int) -> int:
    """Open a regular file; one that this creates has mode 0600.

    Raises:
        OSError: it cannot be opened, or is a symbolic link, a pipe or whatever else.

    """
    if path.is_symlink():  # says it better than the operating system does
        raise OSError(errno.ELOOP, "a symbolic link, which is refused", str(path))
    descriptor = files.open(path, flags | _NO_FOLLOW | _NO_WAIT)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    files.close(descriptor)
    raise OSError(errno.EINVAL, "not a regular file", str(path))
