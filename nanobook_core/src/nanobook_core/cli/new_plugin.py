"""`nanobook new-plugin`: a distribution of one's own, with tests that pass from the start."""

from __future__ import annotations

import builtins
import keyword
import re
import sys
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from nanobook_core.plugin.policy import FIRST_PARTY, canonical_name
from nanobook_core.plugin.registry import default_registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable

_TEMPLATES = files("nanobook_core.cli") / "templates"
_COMMON = "common"

#: The kinds whose contract is frozen, so that a plugin written today fits tomorrow.
KINDS = tuple(sorted(folder.name for folder in _TEMPLATES.iterdir() if folder.name != _COMMON))


def _class_name(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _checked_name(context: click.Context, _: click.Parameter, name: str) -> str:
    if not re.fullmatch(r"[a-z]([a-z0-9_]*[a-z0-9])?", name) or keyword.iskeyword(name):
        raise click.BadParameter(
            f"{name!r}: use lower-case letters, digits and _ between them, starting with a letter: "
            "my_check"
        )
    if canonical_name(name) in FIRST_PARTY or name in ("nanobook", "nanobook_core"):
        raise click.BadParameter(f"{name!r} is one of nanobook's own parts; choose another")
    if name in sys.stdlib_module_names:
        raise click.BadParameter(f"{name!r} is a module of Python's own library; choose another")
    if find_spec(name):  # the new package would hide it, or be hidden by it
        raise click.BadParameter(f"{name!r} is a module that is installed here; choose another")
    if hasattr(builtins, class_name := _class_name(name)):
        raise click.BadParameter(
            f"{name!r} would be a class {class_name}, which Python has; choose another"
        )
    kind = context.params["kind"]
    found = default_registry()
    first_party = {plugin.provider for plugin in found.plugins if plugin.first_party}
    for offer in found.capabilities:
        if offer.provider in first_party and (offer.kind, offer.name) == (kind, name):
            raise click.BadParameter(
                f"{offer.provider} offers a {kind} {name!r}, which would be used instead of yours; "
                "choose another"
            )
    return name


@click.command("new-plugin")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name", callback=_checked_name)
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    default=".",
    help="Folder to write it in; the current one by default.",
)
def new_plugin(kind: str, name: str, into: Path) -> None:
    """Write a plugin distribution whose tests pass.

    NAME is the name of the capability and of the import package; the distribution and its folder
    are called the same, with dashes. Nothing that exists is overwritten.

    \b
    Examples:
      nanobook new-plugin risk_check my_check
      nanobook new-plugin cost_model my_costs --into ~/plugins
    """
    distribution = canonical_name(name)
    folder = into / distribution
    if folder.exists():
        raise click.ClickException(f"{folder} exists; choose another name or another folder")
    words = {
        "kind": kind,
        "name": name,
        "distribution": distribution,
        "command": name.replace("_", "-"),
        "ClassName": _class_name(name),
    }
    try:
        paths = _write(folder, kind, words)
    except OSError as error:
        raise click.ClickException(f"{folder} cannot be written: {error}") from error
    for path in paths:
        click.echo(str(path))
    click.echo(f"\nNext: {folder / 'README.md'} says how to install it and run its tests.")


def _write(folder: Path, kind: str, words: Mapping[str, str]) -> list[Path]:
    """Write the folder, whole or not at all, and return the paths of its files."""
    paths = []
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside the folder, because only within one file system does a rename move all at once.
    with TemporaryDirectory(dir=folder.parent, prefix=".new-plugin-") as scratch:
        draft = Path(scratch, folder.name)
        for template, path in _templates(kind, words["name"]):
            target = draft / path
            target.parent.mkdir(parents=True, exist_ok=True)
            text = Template(template.read_text(encoding="utf-8")).substitute(words)
            target.write_text(text, encoding="utf-8")
            paths.append(folder / path)
        draft.rename(folder)
    return paths


def _templates(kind: str, name: str) -> Iterator[tuple[Traversable, Path]]:
    """Every template with the path, inside the new folder, of the file that it becomes."""
    for part in (_COMMON, kind):
        for template in sorted((_TEMPLATES / part).iterdir(), key=lambda file: file.name):
            # `src-plugin.py.txt` is src/<name>/plugin.py: flat names survive any packager.
            place, _, rest = template.name.removesuffix(".txt").partition("-")
            folder = {"root": Path(), "src": Path("src", name), "tests": Path("tests")}[place]
            yield template, folder / rest
