"""The command without a process for it."""

import io
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout

from tests.rebalancer.rebalancer_process import Folder

from nanobook_core.cli.main import run_command
from nanobook_rebalancer.command import rebalancer


def run_here(*arguments, answer=""):
    """The same as `Folder.run`, without a process for it: exit code, output, errors."""
    output, errors, stdin = io.StringIO(), io.StringIO(), sys.stdin
    sys.stdin = io.StringIO(answer)
    try:
        with redirect_stdout(output), redirect_stderr(errors):
            code = run_command(rebalancer, "rebalancer", arguments)
    finally:
        sys.stdin = stdin
    return code, output.getvalue(), errors.getvalue()


class Terminal(Folder):
    """Where somebody works with the command; `here` starts no process for it."""

    def here(self, *arguments, answer=""):
        with chdir(self.path):
            return run_here(*arguments, answer=answer)
