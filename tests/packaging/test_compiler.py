"""nanobook-native with a compiler, without one and with one that fails; built from a copy."""

import os
import subprocess
import tarfile
import zipfile

import pytest

pytestmark = pytest.mark.packaging

#: What a user has afterwards: is it compiled, whose kernel is used, and does that work.
LOOK = """
from nanobook_core.plugin.registry import default_registry
from nanobook_native import COMPILED
offer = default_registry().get("kernel", "schedule_to_dense")
symbols, table = offer.load()([[("A", 1), ("B", 2)], {"B": 3}], "price")
print(COMPILED, offer.provider, symbols, table.tolist())
"""
COMPILED = "True nanobook-native ('A', 'B') [[1, 2], [0, 3]]\n"
FALLEN_BACK = "False nanobook-core ('A', 'B') [[1, 2], [0, 3]]\n"

FAILING = {"CC": "/bin/false"}
MISSING = {"CC": "cc", "PATH": "/nonexistent"}
REQUIRED = {"NANOBOOK_REQUIRE_COMPILED": "1"}

either_way = pytest.mark.parametrize("option", [(), ("--editable",)], ids=["copied", "editable"])


@pytest.fixture(scope="module")
def uv_cache(tmp_path_factory):
    """An empty cache for uv, which else may know a wheel of ours that was built some other way."""
    return {"UV_CACHE_DIR": str(tmp_path_factory.mktemp("uv-cache"))}


@pytest.fixture
def native(copy_checkout):
    return copy_checkout() / "plugins" / "nanobook_native"


@pytest.fixture
def venv(make_venv, native, uv_cache):
    """An environment with the core, where the kernels can be installed."""
    venv = make_venv()
    venv.install(native.parents[1] / "nanobook_core", **uv_cache)
    return venv


@either_way
def test_without_a_working_compiler_the_core_does_the_work(venv, native, uv_cache, option):
    venv.install(*option, native, **FAILING, **uv_cache)
    assert venv.python(LOOK) == FALLEN_BACK


@either_way
def test_without_a_working_compiler_a_demand_for_one_fails(venv, native, uv_cache, option):
    venv.install(*option, native, **FAILING, **REQUIRED, **uv_cache, status=1)
    venv.run("python", "-c", "import nanobook_native", status=1)


@either_way
def test_with_a_compiler_the_kernels_are_compiled(venv, native, uv_cache, option):
    venv.install(*option, native, **uv_cache)
    assert venv.python(LOOK) == COMPILED


def test_a_compiler_that_comes_later_is_used_on_request(venv, native, uv_cache):
    venv.install("--editable", native, **MISSING, **uv_cache)
    assert venv.python(LOOK) == FALLEN_BACK
    again = ("--reinstall-package", "nanobook-native")
    venv.install(*again, "--editable", native, **uv_cache)
    assert venv.python(LOOK) == COMPILED


def test_pip_takes_both_parts_from_a_checkout_without_a_working_compiler(make_venv, native):
    venv = make_venv(stock_pip=True)
    parts = ("./nanobook_core", "./plugins/nanobook_native")
    venv.run("python", "-m", "pip", "install", *parts, cwd=native.parents[1], **FAILING)
    assert venv.python(LOOK) == FALLEN_BACK


def test_sources_are_in_the_sdist_and_only_what_runs_is_in_the_wheel(native, uv_cache, tmp_path):
    subprocess.run(
        [os.environ.get("UV", "uv"), "build", "--out-dir", tmp_path, native],
        env={**os.environ, **REQUIRED, **uv_cache},
        capture_output=True,
        timeout=400,
        check=True,
    )
    (sdist,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as packed:
        sources = {name.partition("/")[2] for name in packed.getnames()}
    assert sources >= {
        f"src/nanobook_native/{name}" for name in ("_engine.pyx", "_book.pxi", "_simulate.h")
    }
    # The wheel was built from that sdist, so all that it takes is in there.
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        modules = {name for name in packed.namelist() if name.startswith("nanobook_native/")}
    compiled = {name for name in modules if name.endswith((".so", ".pyd"))}
    assert {name.partition(".")[0] for name in compiled} == {
        "nanobook_native/_engine",
        "nanobook_native/_itch_books",
        "nanobook_native/_itch_decode",
        "nanobook_native/_kernels",
        "nanobook_native/_simulate",
    }
    assert modules - compiled == {
        "nanobook_native/__init__.py",
        "nanobook_native/_engine.pyi",
        "nanobook_native/_itch_books.pyi",
        "nanobook_native/_itch_decode.pyi",
        "nanobook_native/_kernels.pyi",
        "nanobook_native/_simulate.pyi",
        "nanobook_native/engine.py",
        "nanobook_native/plugin.py",
        "nanobook_native/py.typed",
    }
    assert not any(name.endswith((".c", ".so", ".pyd")) for name in sources)
