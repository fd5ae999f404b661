"""Resolve `nanobook`'s own parts from this checkout when pip installs it.

From a checkout, `pip install ".[ibkr]"` must take every nanobook-* part from the
neighbouring folders and never ask an index for it; pip has no notion of a workspace,
so it gets direct references.  Everyone else (uv, `python -m build`, an sdist) gets plain
pinned names: uv finds the folders through `tool.uv.sources`, and what is published must
not name a folder of the machine that built it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class LocalParts(MetadataHookInterface):
    """Turns part names into `name @ file://...` or `name==version`."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill in the two dependency fields."""
        version = metadata["version"]

        def requirement(name: str) -> str:
            distribution = name.partition("[")[0]
            folder = self._folder(distribution.replace("-", "_"))
            return f"{name} @ {folder.as_uri()}" if folder else f"{name}=={version}"

        metadata["dependencies"] = [requirement(n) for n in self.config["dependencies"]]
        metadata["optional-dependencies"] = {
            extra: [requirement(n) for n in names]
            for extra, names in self.config["optional-dependencies"].items()
        }

    def _folder(self, module: str) -> Path | None:
        if "PIP_BUILD_TRACKER" not in os.environ:  # set by pip for the backends that it runs
            return None
        root = Path(self.root).resolve()
        for folder in (root / module, root / "plugins" / module):
            if (folder / "pyproject.toml").is_file():
                return folder
        return None
