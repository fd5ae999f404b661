"""The same requests in a plain C loop, where there is a compiler."""

from __future__ import annotations

import json
import subprocess
from hashlib import blake2b
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any

SOURCE = Path(__file__).with_name("plain.c")


def compiler() -> str | None:
    """Path of the C compiler, None without one."""
    return which("cc") or which("gcc") or which("clang")


def measure(path: str, n: int) -> dict[str, Any]:
    """Nanoseconds a request, and the digest of the trades, as child.py has them."""
    with TemporaryDirectory() as folder:
        program, trades = Path(folder, "plain"), Path(folder, "trades")
        command = [str(compiler()), "-O3", "-o", str(program), str(SOURCE)]
        subprocess.run(command, check=True)
        done = subprocess.run(
            [program, path, str(n), trades], check=True, capture_output=True, timeout=60
        )
        digest = blake2b(trades.read_bytes(), digest_size=8).hexdigest()
    return {**json.loads(done.stdout), "digest": digest}
