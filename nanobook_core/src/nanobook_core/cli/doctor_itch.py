"""What `nanobook doctor` looks at for ITCH: by what it is read, and to what it is written."""

from __future__ import annotations

from collections.abc import Iterator

from nanobook_core.cli.finding import Finding, installed
from nanobook_core.errors import PluginError
from nanobook_core.plugin.capability import Kind
from nanobook_core.plugin.registry import default_registry

_KERNELS = ("itch_decode", "itch_books")
_NATIVE = "nanobook-native"
_FILES = "pyarrow"


def examine_itch() -> Iterator[Finding]:
    """Findings where the parser is installed."""
    if installed("nanobook-itch") is None:
        return
    try:
        registry = default_registry()
    except PluginError:  # which is told of the plugins
        return
    try:
        slow = [n for n in _KERNELS if registry.get(Kind.KERNEL, n).provider != _NATIVE]
    except PluginError as error:
        yield Finding("error", "itch", f"cannot read a feed: {error}")
        return
    if slow:
        yield Finding(
            "warning",
            "itch",
            f"{' and '.join(slow)} without a compiler: the same results, many times slower; "
            "with a C compiler, `uv sync --reinstall-package nanobook-native` compiles",
        )
    else:
        yield Finding("ok", "itch", f"{' and '.join(_KERNELS)} are compiled")
    if found := installed(_FILES):
        yield Finding("ok", _FILES, found)
    else:
        how = f"python3 -m pip install {_FILES} adds it"
        yield Finding("note", _FILES, f"not installed: no Parquet and Arrow without it; {how}")
