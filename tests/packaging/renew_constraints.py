"""Resolve every third-party dependency anew, into constraints.txt and its mirror.

One version each, for every Python that we support; what builds our wheels is not part of it.
And what the clients of Binance need that the tests try, each in a file and an environment of its
own, around the version of the client that is there.
Run: uv run --no-sync python tests/packaging/renew_constraints.py
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
UV = os.environ.get("UV", "uv")

HEADER = """\
# The exact version of every third-party dependency; mirrored in pyproject.toml, [tool.uv].
# Renewed, both at once, by: uv run --no-sync python tests/packaging/renew_constraints.py
"""

MIRROR = re.compile(r"^constraint-dependencies = \[\n.*?^\]\n", re.DOTALL | re.MULTILINE)


#: One of two extras that cannot be installed together; it is looked at by itself.
RIVAL = "ib-async"
CLIENTS = ROOT / "tests" / "binance" / "clients"


def _name(pin: str) -> str:
    return pin.partition("==")[0]


def _exported(folder: Path, *what: str) -> list[str]:
    """Lines that name what is locked, `name==version` and a marker."""
    done = subprocess.run(
        [
            *(UV, "export", "--frozen", "--no-hashes", "--no-annotate", "--no-header"),
            *("--no-emit-workspace", *what),
        ],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.splitlines()


def resolve(pyproject: str) -> list[str]:
    """`name==version` of all that the workspace needs, in alphabetical order."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        shutil.copytree(
            ROOT, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*", "uv.lock", "tests")
        )
        (copy / "pyproject.toml").write_text(pyproject)
        subprocess.run([UV, "lock", "--fork-strategy", "fewest"], cwd=copy, check=True)
        lines = [
            *_exported(copy, "--all-packages", "--all-groups", "--all-extras", "--no-extra", RIVAL),
            *_exported(copy, "--package", "nanobook-ibkr", "--extra", RIVAL),
        ]
    pins = sorted({line.partition(";")[0].strip() for line in lines}, key=_name)
    if len({_name(pin) for pin in pins}) < len(pins):
        raise SystemExit(f"a dependency resolved to two versions, say which to take: {pins}")
    return pins


def renew_client(path: Path) -> None:
    """Resolve anew what a client needs, which the file is called after."""
    lines = path.read_text().splitlines()
    (client,) = (line for line in lines if _name(line) == path.stem)
    subprocess.run(
        [
            *(UV, "pip", "compile", "--universal", "--python-version", "3.11", "--upgrade"),
            *("--no-header", "--no-annotate", "--quiet", "-", "--output-file", path),
        ],
        cwd=tempfile.gettempdir(),  # not here, where constraints of ours hold
        input=client,
        check=True,
        text=True,
    )


def main() -> None:
    """Write all."""
    for path in CLIENTS.glob("*.txt"):
        renew_client(path)
    pyproject = (ROOT / "pyproject.toml").read_text()
    pins = resolve(MIRROR.sub("constraint-dependencies = [\n]\n", pyproject))
    mirror = "".join(f'  "{pin}",\n' for pin in pins)
    (ROOT / "pyproject.toml").write_text(
        MIRROR.sub(f"constraint-dependencies = [\n{mirror}]\n", pyproject)
    )
    (ROOT / "constraints.txt").write_text(HEADER + "".join(f"{pin}\n" for pin in pins))


if __name__ == "__main__":
    main()
