"""`nanobook itch`, without a process for it and with one."""

import io
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout

from nanobook_core.cli.main import run_command
from nanobook_itch.command.group import itch

ITCH = [sys.executable, "-m", "nanobook", "itch"]


def run_here(*arguments):
    """Exit code, output and errors, without a process."""
    output, errors = io.TextIOWrapper(io.BytesIO()), io.StringIO()
    with redirect_stdout(output), redirect_stderr(errors):
        code = run_command(itch, "nanobook itch", list(map(str, arguments)))
    output.flush()
    return code, output.buffer.getvalue().decode(), errors.getvalue()


def run_process(*arguments, given=b""):
    """Exit code, output and errors of a process; output is bytes."""
    done = subprocess.run(
        [*ITCH, *map(str, arguments)],
        input=given,
        capture_output=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr.decode()
