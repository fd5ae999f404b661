"""A disk that loses what was not synced, and one that asks nothing of it."""

import os
import shutil
from pathlib import Path

from nanobook_core.lob.file_layer import FileLayer


class NoSync(FileLayer):
    """Quick: what becomes of the files after a loss of power is not asked."""

    def fsync(self, descriptor):
        pass

    def fsync_directory(self, directory):
        pass


class PowerLostError(BaseException):
    """The machine went off: nothing in it can answer that."""


class Disk(FileLayer):
    """A folder on a disk with a cache: power goes before the given call that changes something.

    Bytes are kept by a sync of their file, names by a sync of the folder.
    """

    def __init__(self, folder, lost_at):
        self.folder = folder
        self.left = lost_at
        self.kept_names = {}
        self.kept_bytes = {}
        self.is_off = False

    def step(self):
        self.is_off = self.is_off or self.left == 0
        if self.is_off:
            raise PowerLostError
        self.left -= 1

    def create_temporary(self, directory):
        self.step()
        return super().create_temporary(directory)

    def write(self, descriptor, data):
        if self.left == 0 and not self.is_off:
            super().write(descriptor, data[: len(data) // 2])
        self.step()
        return super().write(descriptor, data)

    def truncate(self, descriptor, size):
        self.step()
        super().truncate(descriptor, size)

    def fsync(self, descriptor):
        self.step()
        path = Path(f"/proc/self/fd/{descriptor}")
        self.kept_bytes[os.fstat(descriptor).st_ino] = path.read_bytes()

    def fsync_directory(self, directory):
        self.step()
        assert directory == self.folder
        self.kept_names = self.names()

    def replace(self, source, target):
        self.step()
        super().replace(source, target)

    def unlink(self, path):
        self.step()
        super().unlink(path)

    def names(self):
        return {path.name: path.stat().st_ino for path in self.folder.iterdir()}

    def remains(self, folder, *, cached_names, cached_bytes):
        """Make what is on the disk when power is back.

        Of names and bytes that were in the cache some may have reached the disk: all of the names
        or none, and the given part of the bytes.
        """
        now = {path.stat().st_ino: path.read_bytes() for path in self.folder.iterdir()}
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, inode in (self.names() if cached_names else self.kept_names).items():
            kept = self.kept_bytes.get(inode, b"")
            cached = now.get(inode, kept)
            if cached.startswith(kept):
                more = cached[len(kept) :]
                kept += more[: int(len(more) * cached_bytes)]
            elif cached_bytes == 1:  # it was cut
                kept = cached
            (folder / name).write_bytes(kept)


REMAINS = [
    {"cached_names": names, "cached_bytes": part} for names in (False, True) for part in (0, 0.5, 1)
]


class WithoutFsync(Disk):
    def fsync(self, descriptor):
        pass


class WithoutFsyncOfTheDirectory(Disk):
    def fsync_directory(self, directory):
        pass
