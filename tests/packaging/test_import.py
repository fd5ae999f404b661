import json
import os
import subprocess
import sys

HEAVY = {"attr", "attrs", "importlib.metadata", "matplotlib", "numpy", "pluggy", "scipy"}


def test_importing_nanobook_loads_nothing_that_costs_time():
    code = (
        "import json, sys; before = set(sys.modules); import nanobook; "
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    # Measuring coverage in the child would load such modules before we look.
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout))
    assert "nanobook" in loaded
    assert loaded & HEAVY == set()
