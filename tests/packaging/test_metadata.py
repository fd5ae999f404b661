"""The distributions agree with one another, and with what is written about them elsewhere."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from nanobook_core.plugin import FIRST_PARTY

ROOT = Path(__file__).parents[2]


def read(folder):
    return tomllib.loads((folder / "pyproject.toml").read_text())


def distribution(requirement):
    """Name of what is required, as indexes spell it."""
    return re.match(r"[A-Za-z0-9._-]+", requirement)[0].lower().replace("_", "-")


WORKSPACE = read(ROOT)
CHOICE = WORKSPACE["tool"]["hatch"]["metadata"]["hooks"]["custom"]
FOLDERS = sorted(
    folder
    for pattern in WORKSPACE["tool"]["uv"]["workspace"]["members"]
    for folder in ROOT.glob(pattern)
    if (folder / "pyproject.toml").is_file()
)
MEMBERS = {folder.name.replace("_", "-"): read(folder) for folder in FOLDERS}
PACKAGES = {init.parent.name for folder in FOLDERS for init in folder.glob("src/*/__init__.py")}

each_part = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


def test_the_parts_are_those_that_the_core_trusts():
    assert set(MEMBERS) == FIRST_PARTY


def test_all_versions_are_one():
    versions = {part["project"]["name"]: part["project"]["version"] for part in MEMBERS.values()}
    assert versions == dict.fromkeys(MEMBERS, WORKSPACE["project"]["version"])


def test_every_part_can_be_reached_from_the_root():
    extras = CHOICE["optional-dependencies"]
    assert set(extras) == {"ibkr", "binance", "itch", "report", "dask", "all"}
    single = {name for extra, names in extras.items() if extra != "all" for name in names}
    assert set(extras["all"]) == single
    assert set(map(distribution, {*CHOICE["dependencies"], *single})) == set(MEMBERS)


def test_the_base_installation_and_the_dev_group_have_every_part_between_them():
    dev = WORKSPACE["dependency-groups"]["dev"]
    ours = {distribution(each) for each in dev if each.startswith("nanobook")}
    assert ours | set(CHOICE["dependencies"]) == set(MEMBERS)


def test_uv_takes_every_part_from_the_workspace():
    sources = WORKSPACE["tool"]["uv"]["sources"]
    assert sources == {name: {"workspace": True} for name in MEMBERS}


def test_the_layers_name_every_package():
    linter = WORKSPACE["tool"]["importlinter"]
    assert set(linter["root_packages"]) == PACKAGES
    top = next(c for c in linter["contracts"] if c["name"].startswith("facade"))
    assert {name for layer in top["layers"] for name in layer.split(" | ")} == PACKAGES


def test_coverage_is_measured_in_every_part():
    assert set(WORKSPACE["tool"]["coverage"]["run"]["source_pkgs"]) == PACKAGES


def test_the_constraints_are_mirrored_and_pin_every_third_partys_distribution_exactly():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert WORKSPACE["tool"]["uv"]["constraint-dependencies"] == pins
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][0-9.]*(post[0-9]+)?", pin) for pin in pins)
    wanted = list(WORKSPACE["dependency-groups"]["dev"])
    for part in MEMBERS.values():
        wanted += part["project"]["dependencies"]
        for extra in part["project"].get("optional-dependencies", {}).values():
            wanted += extra
    third_party = {distribution(name) for name in wanted} - set(MEMBERS)
    assert third_party - {pin.partition("==")[0] for pin in pins} == set()


def test_no_lock_file_is_under_version_control():
    assert "uv.lock" in (ROOT / ".gitignore").read_text().splitlines()
    command = ["git", "ls-files", "*uv.lock"]
    tracked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert tracked.stdout == ""


def test_the_gate_runs_the_readmes_test_command_as_it_stands():
    command = "python3 -m pip install uv && uv run pytest"
    assert command in (ROOT / "README.md").read_text()
    assert command in (ROOT / ".ci" / "run").read_text()


def test_the_root_and_every_part_refuse_to_be_uploaded():
    for part in (WORKSPACE, *MEMBERS.values()):
        assert part["project"]["classifiers"] == ["Private :: Do Not Upload"]


@each_part
def test_a_part_has_a_readme_and_types(folder):
    assert (folder / "README.md").read_text().startswith(f"# {folder.name.replace('_', '-')}")
    for init in folder.glob("src/*/__init__.py"):
        assert (init.parent / "py.typed").is_file()


@each_part
def test_a_part_has_a_plugin_module_that_its_entry_point_names(folder):
    module = "builtin" if folder.name == "nanobook_core" else "plugin"
    (named,) = read(folder)["project"]["entry-points"]["nanobook"].values()
    assert named == f"{folder.name}.{module}"
    assert (folder / "src" / folder.name / f"{module}.py").is_file()


@each_part
def test_a_part_needs_the_same_python_and_this_core(folder):
    project = read(folder)["project"]
    assert project["requires-python"] == WORKSPACE["project"]["requires-python"] == ">=3.11"
    core = [name for name in project["dependencies"] if distribution(name) == "nanobook-core"]
    assert core == ([] if folder.name == "nanobook_core" else ["nanobook-core>=0.1,<0.2"])
