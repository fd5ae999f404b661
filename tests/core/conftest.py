import sys
from textwrap import dedent

import pytest


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a distribution for this test: metadata and a module in a folder on sys.path."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    modules = []

    def put(distribution, code, *, version="1.0", module=None):
        module = module or distribution.lower().replace("-", "_").replace(".", "_") + "_plugin"
        info = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        )
        (info / "entry_points.txt").write_text(f"[nanobook]\nmain = {module}\n")
        header = "from nanobook_core import Capability, Kind, hookimpl\n"
        (site / f"{module}.py").write_text(header + dedent(code))
        modules.append(module)
        return module

    yield put
    for module in modules:
        sys.modules.pop(module, None)


@pytest.fixture
def risk_check():
    """Code of a plugin that offers one risk check."""

    def code(name="late_night", **fields):
        extra = "".join(f", {key}={value!r}" for key, value in fields.items())
        return f"""
            @hookimpl
            def nanobook_risk_checks():
                return [Capability(kind=Kind.RISK_CHECK, name={name!r},
                                   target="decimal:Decimal", summary="a check"{extra})]
        """

    return code
