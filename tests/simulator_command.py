"""A simulator as a user starts it: a process of its own, driven by its file of quotes."""

import json
import subprocess
import sys
from contextlib import contextmanager


def set_quotes(path, text):
    """Write a file of quotes aside and rename it into place: nobody reads half a line."""
    aside = path.with_suffix(".aside")
    aside.write_text(text)
    aside.replace(path)


@contextmanager
def started(module, *options, cwd, as_json=True):
    """Run the command; what it tells programs, read, or people, as it is."""
    command = [sys.executable, "-m", module, "--port", "0", *options]
    process = subprocess.Popen(
        [*command, "--json"] if as_json else command, cwd=cwd, stdout=subprocess.PIPE, text=True
    )
    try:
        said = process.stdout.readline()
        while not as_json and not said.endswith("Ctrl-C ends it.\n"):
            said += process.stdout.readline()
        yield json.loads(said) if as_json else said
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stdout.close()
