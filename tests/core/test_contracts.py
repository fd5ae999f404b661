"""What third parties build on: a change of any signature is a diff of contracts.json.

Write the file anew with: python tests/core/test_contracts.py
"""

import enum
import inspect
import json
from pathlib import Path

import attrs

from nanobook_core import contracts
from nanobook_core.plugin import CONTRACTS, Capability, hookspecs

#: What every Protocol class gets from Python itself.
_INHERITED = ("__init__", "__subclasshook__")

GOLDEN = Path(__file__).with_name("contracts.json")


def members(cls):
    if not inspect.isclass(cls):
        return str(inspect.signature(cls)) if inspect.isfunction(cls) else str(cls)
    if issubclass(cls, Exception):
        bases = [base.__name__ for base in cls.__bases__]
        return {"bases": bases, "outcome": str(cls.default_outcome), "prefix": cls.prefix}
    if attrs.has(cls):
        # As they are written: what attrs has of them changes once a converter has resolved it.
        types = inspect.get_annotations(cls)
        return {
            field.name: types[field.name] + ("" if field.default is attrs.NOTHING else " = ...")
            for field in attrs.fields(cls)
        }
    if getattr(cls, "_is_protocol", False):
        bare = {name: getattr(value, "__func__", value) for name, value in vars(cls).items()}
        own = {name: value for name, value in bare.items() if inspect.isfunction(value)}
        signatures = {name: str(inspect.signature(value)) for name, value in own.items()}
        fields = {name: str(kind) for name, kind in inspect.get_annotations(cls).items()}
        return {name: v for name, v in (signatures | fields).items() if name not in _INHERITED}
    if issubclass(cls, enum.Enum):
        return {member.name: member.value for member in cls}
    return {
        name: str(inspect.signature(f)) for name, f in vars(cls).items() if inspect.isfunction(f)
    }


def current():
    hooks = {
        name: str(inspect.signature(hook))
        for name, hook in vars(hookspecs).items()
        if name.startswith("nanobook_")
    }
    records = {name: members(getattr(contracts, name)) for name in contracts.__all__}
    return {
        "versions": {str(kind): list(span) for kind, span in CONTRACTS.items()},
        "hooks": hooks,
        "Capability": members(Capability),
        **records,
    }


def test_contracts_are_those_that_were_published():
    assert current() == json.loads(GOLDEN.read_text())


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(current(), indent=2) + "\n")
