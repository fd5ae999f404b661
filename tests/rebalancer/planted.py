"""Defects planted in the real code: a line of a function is replaced by another one."""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from attrs import frozen


@frozen
class Patch:
    """One line of the real code and what it is made."""

    owner: Any
    """Class or module."""
    name: str
    """Of the function."""
    old: str
    new: str


@contextmanager
def planted(*patches: Patch) -> Iterator[None]:
    """Have the real code be so while this lasts."""
    with ExitStack() as undo:
        for patch in patches:
            was = inspect.getattr_static(patch.owner, patch.name)
            setattr(patch.owner, patch.name, _changed(patch))
            undo.callback(setattr, patch.owner, patch.name, was)
        yield


def _changed(patch: Patch) -> Any:
    function = getattr(patch.owner, patch.name)
    source = textwrap.dedent(inspect.getsource(function))
    if source.count(patch.old) != 1:
        raise AssertionError(f"{patch.name} has {patch.old!r} {source.count(patch.old)} times")
    module = sys.modules[inspect.unwrap(function).__module__]
    code = compile(source.replace(patch.old, patch.new), f"<planted in {patch.name}>", "exec")
    names: dict[str, Any] = {}
    exec(code, module.__dict__, names)  # noqa: S102 - our own code but for one line
    return names[patch.name]
