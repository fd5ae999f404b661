import ast
import subprocess
import sys
from pathlib import Path

import pytest

import nanobook

SEED_CAPABILITIES = [
    "backtest_stops",
    "garch_ewma_forecast",
    "optimize_min_variance",
    "optimize_max_sharpe",
    "optimize_risk_parity",
    "inverse_cvar_weights",
    "inverse_cdar_weights",
    "backtest_holdings",
]


# The qtrade bridge's probe, verbatim from the seed.
def has_nanobook_feature(name: str) -> bool:
    caps = set(nanobook.py_capabilities()) if hasattr(nanobook, "py_capabilities") else set()
    if name in caps:
        return True

    symbol_map = {
        "backtest_stops": "py_backtest_weights",
        "garch_ewma_forecast": "py_garch_ewma_forecast",
        "optimize_min_variance": "py_optimize_min_variance",
        "optimize_max_sharpe": "py_optimize_max_sharpe",
        "optimize_risk_parity": "py_optimize_risk_parity",
        "inverse_cvar_weights": "py_inverse_cvar_weights",
        "inverse_cdar_weights": "py_inverse_cdar_weights",
        "backtest_holdings": "py_backtest_weights",
    }
    sym = symbol_map.get(name)
    return bool(sym and hasattr(nanobook, sym))


def test_the_seeds_probe_answers_truthfully():
    answers = {name: has_nanobook_feature(name) for name in SEED_CAPABILITIES}
    # A feature is there exactly when the function that has it can be called.
    functions = {
        "backtest_stops": "backtest_weights",
        "backtest_holdings": "backtest_weights",
    }
    really = {
        name: callable(getattr(nanobook, functions.get(name, name), None))
        for name in SEED_CAPABILITIES
    }
    assert answers == really
    assert all(answers.values())
    assert not has_nanobook_feature("no_such_feature")


def test_the_flat_list_starts_with_the_seeds_names_in_the_seeds_order():
    names = nanobook.capabilities()
    assert names[:8] == SEED_CAPABILITIES
    assert names[8:] == sorted(names[8:])
    assert len(set(names)) == len(names)
    assert nanobook.py_capabilities() == names


def test_one_kind_can_be_asked_for():
    kernels = nanobook.capabilities("kernel")
    assert kernels == [
        "kernel_itch_books",
        "kernel_itch_decode",
        "kernel_schedule_to_dense",
        "kernel_simulate",
    ]
    with pytest.raises(ValueError, match="no_such_kind"):
        nanobook.capabilities("no_such_kind")


def stub_names():
    stub = ast.parse((Path(nanobook.__file__).with_suffix(".pyi")).read_text())
    for node in stub.body:
        if isinstance(node, ast.ImportFrom):
            yield from (alias.asname for alias in node.names if alias.asname)
        elif isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets)


def test_the_stub_names_the_whole_public_surface():
    assert sorted(stub_names()) == dir(nanobook) == nanobook.__all__


def test_every_public_name_is_there_and_the_same_object_each_time():
    for name in nanobook.__all__:
        assert getattr(nanobook, name) is getattr(nanobook, name)


def test_star_import_brings_the_public_names():
    namespace = {}
    exec("from nanobook import *", namespace)  # noqa: S102 - a star import cannot stand in a function
    assert {*nanobook.__all__} == {name for name in namespace if name != "__builtins__"}


def test_a_py_twin_exists_only_where_the_original_has_one():
    assert nanobook.py_backtest_weights is nanobook.backtest_weights
    assert nanobook.py_compute_metrics is nanobook.compute_metrics
    assert not hasattr(nanobook, "py_Portfolio")
    assert not hasattr(nanobook, "py_registry")
    assert not hasattr(nanobook, "py_py_backtest_weights")


def test_version_is_that_of_the_distribution():
    assert nanobook.__version__ == "0.1.0"


@pytest.mark.parametrize("name", ["no_such_name", "_private", "__wrapped__", "py_no_such_name"])
def test_what_is_not_there_is_an_attribute_error(name):
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'"):
        getattr(nanobook, name)


def test_a_name_that_an_extra_brings_says_how_to_get_it():
    code = (
        "import nanobook\n"
        "try:\n    nanobook.plot_equity\n"
        "except AttributeError as error:\n    print(error)\n"
        "print(hasattr(nanobook, 'plot_equity'))\n"
    )
    shown = run(code, NANOBOOK_BLOCK="nanobook-report")
    assert "nanobook-report 0.1.0 is installed but does not offer it (blocked by policy)" in shown
    assert shown.splitlines()[-1] == "False"


def test_a_name_whose_part_does_not_offer_it_says_which_part_it_belongs_to():
    code = (
        "import sys, types\n"
        "sys.modules['nanobook_report.plugin'] = types.ModuleType('offers_nothing')\n"
        "import nanobook\n"
        "try:\n    nanobook.plot_equity\n"
        "except AttributeError as error:\n    print(error)\n"
    )
    assert run(code).endswith("nanobook-report 0.1.0 is installed but does not offer it yet\n")


def test_exchange_is_the_best_engine_that_is_installed():
    assert nanobook.Exchange is nanobook.registry().load("engine", "exchange")
    assert nanobook.capabilities("engine") == ["engine_exchange"]


def test_without_a_compiled_engine_that_can_be_imported_the_reference_engine_runs():
    code = (
        "import sys, warnings, nanobook_native\n"
        "nanobook_native.COMPILED = True\n"
        "sys.modules['nanobook_native._engine'] = None\n"
        "import nanobook\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    print(nanobook.Exchange.__module__)\n"
        "print(caught[0].category is nanobook.PluginWarning, caught[0].message)\n"
        "print(type(nanobook.MultiExchange().get_or_create('A')).__module__)\n"
    )
    first, warning, second = run(code).splitlines()
    assert first == second == "nanobook_core.lob.reference"
    assert warning.startswith("True nanobook-native: engine 'exchange' cannot be imported")
    assert warning.endswith("its fallback runs")


def test_a_part_that_does_not_load_leaves_star_imports_whole(tmp_path):
    (tmp_path / "matplotlib.py").write_text("raise ImportError('damaged')\n")
    code = "from nanobook import *; print('plot_equity' in globals(), 'Portfolio' in globals())"
    assert run(code, PYTHONPATH=str(tmp_path)) == "False True\n"


def test_importing_nanobook_loads_nothing_else_of_ours_and_nothing_heavy():
    code = (
        "import sys; before = set(sys.modules); import nanobook; "
        "print(sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    loaded = set(ast.literal_eval(run(code)))
    assert "nanobook" in loaded
    heavy = {"nanobook_core", "numpy", "scipy", "pluggy", "attrs", "attr", "typing", "click"}
    assert not loaded & heavy


def test_a_policy_that_is_not_met_is_an_error_and_not_an_absent_name():
    code = (
        "import nanobook\n"
        "try:\n    hasattr(nanobook, 'IbkrBroker')\n"
        "except nanobook.PolicyError as error:\n    print(error)\n"
    )
    assert "acme-absent (no plugin of that name is installed)" in run(
        code, NANOBOOK_REQUIRE="acme-absent"
    )


def run(code, **variables):
    import os

    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
