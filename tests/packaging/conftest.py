import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import frozen

ROOT = Path(__file__).parents[2]

#: `uv run` says where it is; on a machine where nobody put it on PATH that is the only way to know.
UV = os.environ.get("UV", "uv")


def run(*command, status=0, cwd=None, timeout=400, **variables):
    """Run a program that knows nothing of the environment that runs the tests."""
    ours = ("NANOBOOK_", "COVERAGE_", "PYTHON", "VIRTUAL_ENV", "UV_PROJECT")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**inherited, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    shown = f"{command} gave {done.returncode}\n{done.stdout[-8000:]}\n{done.stderr[-8000:]}"
    assert done.returncode == status, shown
    return done


@frozen
class Venv:
    """A fresh virtual environment."""

    folder: Path

    def run(self, program, *arguments, cwd=None, **options):
        """Run one of its programs, outside the checkout: only what is installed can be imported."""
        command = self.folder / "bin" / program
        return run(command, *arguments, cwd=cwd or self.folder, **options)

    def python(self, code, **options):
        """Run code in it; what it prints."""
        return self.run("python", "-c", code, **options).stdout

    def install(self, *requirements, **options):
        """Install with uv, which takes a second where pip takes ten."""
        python = self.folder / "bin" / "python"
        run(UV, "pip", "install", "--quiet", "--python", python, *requirements, **options)

    def uninstall(self, *names):
        """Take distributions out again."""
        python = self.folder / "bin" / "python"
        run(UV, "pip", "uninstall", "--quiet", "--python", python, *names)


@pytest.fixture(scope="session")
def make_venv(tmp_path_factory):
    def make(*, stock_pip=False):
        folder = tmp_path_factory.mktemp("venv") / "venv"
        if stock_pip:
            run(sys.executable, "-m", "venv", folder)
        else:
            run(UV, "venv", "--quiet", "--python", sys.executable, folder)
        return Venv(folder)

    return make


@pytest.fixture(scope="session")
def copy_checkout(tmp_path_factory):
    """Copies of what git would see here, so that nothing stale is built or installed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    def copy():
        folder = tmp_path_factory.mktemp("checkout")
        for name in listed.stdout.split("\0"):
            if name and (ROOT / name).is_file():  # deleted ones are listed until that is committed
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        return folder

    return copy


@pytest.fixture(scope="session")
def checkout(copy_checkout):
    return copy_checkout()


@pytest.fixture(scope="session")
def wheels(copy_checkout, tmp_path_factory):
    """Wheel of every distribution, by name."""
    folder = tmp_path_factory.mktemp("wheels")
    run(UV, "build", "--all-packages", "--wheel", "--out-dir", folder, cwd=copy_checkout())
    built = {wheel.name.split("-")[0].replace("_", "-"): wheel for wheel in folder.glob("*.whl")}
    assert built
    return built
