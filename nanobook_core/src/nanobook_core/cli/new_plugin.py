"""`nanobook new-plugin`: a distribution of one's own, with tests that pass from the start."""

from __future__ import annotations

import keyword
import re
import sys
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import click

from nanobook_core.plugin.policy import FIRST_PARTY, canonical_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

_TEMPLATES = files("nanobook_core.cli") / "templates"
_COMMON = "common"

#: The kinds whose contract is frozen, so that a plugin written today fits tomorrow.
KINDS = tuple(sorted(folder.name for folder in _TEMPLATES.iterdir() if folder.name != _COMMON))


def _checked_name(_: click.Context, __: click.Parameter, name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise click.BadParameter(
            f"{name!r}: use lower-case letters, digits and _, starting with a letter: my_check"
        )
    if name in sys.stdlib_module_names:
        raise click.BadParameter(f"{name!r} is a module of Python's own library; choose another")
    if canonical_name(name) in FIRST_PARTY or name in ("nanobook", "nanobook_core"):
        raise click.BadParameter(f"{name!r} is one of nanobook's own parts; choose another")
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
    r"""Write a plugin distribution whose tests pass.

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
        "ClassName": "".join(word.capitalize() for word in name.split("_")),
    }
    for template, path in _templates(kind, name):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        text = Template(template.read_text(encoding="utf-8")).substitute(words)
        target.write_text(text, encoding="utf-8")
        click.echo(str(target))
    click.echo(f"\nNext: {folder / 'README.md'} says how to install it and run its tests.")


def _templates(kind: str, name: str) -> Iterator[tuple[Traversable, Path]]:
    """Every template with the path, inside the new folder, of the file that it becomes."""
    for part in (_COMMON, kind):
        for template in sorted((_TEMPLATES / part).iterdir(), key=lambda file: file.name):
            # `src-plugin.py.txt` is src/<name>/plugin.py: flat names survive any packager.
            place, _, rest = template.name.removesuffix(".txt").partition("-")
            folder = {"root": Path(), "src": Path("src", name), "tests": Path("tests")}[place]
            yield template, folder / rest
