import struct
import subprocess
import sys

import numpy as np
import pytest

import nanobook
from nanobook_core.errors import ValidationError
from nanobook_core.testing import PluginSuite
from nanobook_report.equity import _figure, plot_equity

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


@pytest.mark.parametrize(
    ("dates", "message"),
    [
        (["x"] * 4, "dates must be what numpy reads as datetime64"),
        ([1.5] * 4, "dates are dates or ISO strings, not numbers"),
        ([1, 2, 3, 4], "dates are dates or ISO strings, not numbers"),
        (np.datetime64("2024-01-01"), r"dates has shape \(\)"),
        (DATES.reshape(2, 2), r"dates has shape \(2, 2\)"),
        (["2024-01-01", "NaT", "2024-01-03", "2024-01-04"], "dates must be given, and none"),
        (["NaT"] * 4, "dates must be given, and none"),
        (DATES[::-1], "none may be before the one it follows"),
    ],
)
def test_what_are_no_dates_is_refused_and_nothing_is_written(tmp_path, dates, message):
    with pytest.raises(ValidationError, match=message):
        plot_equity(CURVES, dates, tmp_path / "x.png")
    assert list(tmp_path.iterdir()) == []


def test_one_date_is_drawn_as_a_point(tmp_path):
    assert size(plot_equity({"one": [1]}, ["2024-01-01"], tmp_path / "x.png"))
    assert drawn([1.0]).axes[0].lines[0].get_marker() == "o"


def drawn(*curves, start="2024-01-01"):
    days = np.datetime64(start) + np.arange(len(curves[0]))
    values = {f"_{number}": np.array(curve) for number, curve in enumerate(curves)}
    figure = _figure(days, values, "")
    figure.canvas.draw()
    return figure


def labels(axis):
    low, high = sorted(axis.get_view_interval())
    shown = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True)
    return [text.get_text() for place, text in shown if low <= place <= high]


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        ([1.0, 0.997, 1.028], ["1.000", "1.005", "1.010", "1.015", "1.020", "1.025"]),
        ([1.0, 1.0], ["0.96", "0.98", "1.00", "1.02", "1.04"]),
        ([1.0, 3.9], ["1.0", "1.5", "2.0", "2.5", "3.0", "3.5", "4.0"]),
        ([1.0, 4.1], ["1", "2"]),
        ([1.0, 0.24], ["0.5", "1"]),
        ([2.0, 50.0], ["1", "2", "5", "10", "20"]),
        ([1.0, 1e5], ["1", "10", "100", "1000", "10000", "100000"]),
    ],
)
def test_growth_can_be_read_off_the_axis(curve, expected):
    assert labels(drawn(curve).axes[0].yaxis) == expected


def test_a_few_days_are_labelled_as_days():
    assert labels(drawn([1.0] * 4).axes[1].xaxis) == ["Jan", "02", "03", "04"]


def test_without_a_drawdown_none_is_drawn():
    lower = drawn([1.0, 2.0]).axes[1]
    assert labels(lower.yaxis)[-1] == "0.0%"
    assert lower.get_ylim()[1] == 0


def test_every_name_is_in_the_legend_and_off_the_line():
    falling = drawn(np.linspace(3, 1, 50), np.linspace(3, 1.2, 50)).axes[0]
    legend = falling.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["_0: 0.33", "_1: 0.40"]
    box = legend.get_window_extent()
    for line in falling.lines:
        assert not box.count_contains(falling.transData.transform(line.get_xydata()))


def test_text_is_not_read_as_mathematics(tmp_path):
    dollars = r"$\no such thing$"  # which matplotlib cannot typeset
    assert size(plot_equity({dollars: [1, 2]}, DATES[:2], tmp_path / "x.png", title=dollars))


def test_curves_without_names_are_refused(tmp_path):
    with pytest.raises(TypeError, match=r"a mapping from name to equity, got \[1, 2\] \(list\)"):
        plot_equity([1, 2], DATES[:2], tmp_path / "x.png")
