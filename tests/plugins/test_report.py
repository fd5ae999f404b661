import struct
import subprocess
import sys

import numpy as np
import pytest

import nanobook
from nanobook_core.errors import ValidationError
from nanobook_core.testing import PluginSuite
from nanobook_report.equity import plot_equity

DATES = np.arange("2024-01-01", "2024-01-05", dtype="datetime64[D]")
CURVES = {"one": [100, 110, 90, 120], "two": np.array([50.0, 40.0, 45.0, 60.0])}


class TestDistribution(PluginSuite):
    @pytest.fixture
    def distribution(self):
        return "nanobook-report"


def size(path):
    header = path.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", header[16:24])


def test_it_writes_a_png_and_gives_back_its_absolute_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = nanobook.plot_equity(CURVES, DATES, "curves.png", title="Two curves")
    assert path == tmp_path / "curves.png"
    assert size(path) == (1200, 780)


def test_it_accepts_dates_as_text_and_a_backtests_own_curve(tmp_path):
    result = nanobook.backtest_weights([[("A", 0.5)]] * 2, [[("A", 100)], [("A", 110)]], 10_000, 0)
    dates = ["2024-01-01", "2024-01-02", "2024-01-03"]
    path = plot_equity({"mine": result["equity_curve"]}, dates, tmp_path / "mine.png")
    assert path.exists()


def test_a_file_of_that_name_is_replaced(tmp_path):
    target = tmp_path / "x.png"
    target.write_text("old")
    assert size(plot_equity(CURVES, DATES, str(target)))


@pytest.mark.parametrize(
    ("curves", "name", "message"),
    [
        ({}, "x.png", "curves is empty"),
        (CURVES, "x.pdf", "must end in .png"),
        ({"one": [1, 2, 3]}, "x.png", r"'one' has shape \(3,\), dates has 4"),
        ({"one": [[1, 2], [3, 4]]}, "x.png", r"'one' has shape \(2, 2\)"),
        ({"one": [1, 2, 0, 3]}, "x.png", r"'one' is 0\.0 at index 2"),
        ({"one": [1, -2, 1, 3]}, "x.png", r"'one' is -2\.0 at index 1"),
        ({"one": [1, 2, 3, float("nan")]}, "x.png", "'one' is nan at index 3"),
    ],
)
def test_what_cannot_be_drawn_is_refused_and_nothing_is_written(tmp_path, curves, name, message):
    with pytest.raises(ValidationError, match=message):
        plot_equity(curves, DATES, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_drawing_leaves_the_callers_pyplot_alone(tmp_path):
    code = (
        "import sys, nanobook\n"
        "nanobook.plot_equity({'a': [1, 2]}, ['2024-01-01', '2024-01-02'], sys.argv[1])\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "x.png")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
