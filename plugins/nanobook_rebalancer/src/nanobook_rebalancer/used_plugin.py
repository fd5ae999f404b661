"""Which code runs here, so that the audit log can say it."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from pathlib import Path

from nanobook_core.plugin import Capability, Registry

_ALWAYS = ("nanobook-core", "nanobook-rebalancer", "nanobook-risk")


def used_plugins(registry: Registry, offers: Iterable[Capability]) -> list[dict[str, str]]:
    """Name, version and hash of each distribution that decides on an order.

    Those are ours, and what offers the given capabilities. The hash is the SHA-256 over names and
    contents of all Python files of its package.
    """
    packages = {offer.provider: re.split("[.:]", offer.target)[0] for offer in offers}
    packages |= {name: name.replace("-", "_") for name in _ALWAYS}
    versions = {plugin.provider: plugin.version for plugin in registry.plugins}
    return [
        {"hash": _hash(package), "provider": provider, "version": versions.get(provider, "")}
        for provider, package in sorted(packages.items())
    ]


@cache
def _hash(package: str) -> str:
    module = sys.modules.get(package) or import_module(package)
    # A package has folders, one without `__init__.py` too; a module is only a file.
    folders = [Path(folder) for folder in getattr(module, "__path__", ())]
    files = [(each, folder) for folder in folders for each in sorted(folder.rglob("*.py"))]
    if not folders:
        file = Path(str(module.__file__))
        files = [(file, file.parent)]
    total = hashlib.sha256()
    for each, folder in files:
        content = hashlib.sha256(each.read_bytes()).hexdigest()
        total.update(f"{each.relative_to(folder).as_posix()}\0{content}\n".encode())
    return total.hexdigest()
