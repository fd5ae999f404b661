import contextlib
import gzip
import json
import os
import re
import subprocess
import sys
import termios
from pathlib import Path

import numpy as np
import pytest

import nanobook.demo
from nanobook.demo import load_closes

ROOT = Path(__file__).parents[2]
PACKAGE = Path(nanobook.demo.__file__).parent


def run(*args, cwd, check=0):
    done = subprocess.run(
        [sys.executable, "-m", "nanobook", "demo", *args],
        cwd=cwd,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == check, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    return json.loads(run("--json", cwd=tmp_path_factory.mktemp("demo")).stdout)


def test_the_example_is_the_code_that_the_demo_runs():
    example = ROOT / "examples" / "momentum.py"
    assert example.read_bytes() == (PACKAGE / "momentum.py").read_bytes()
    assert len(example.read_text().splitlines()) <= 40


def test_the_closes_are_whole_and_name_their_source():
    dates, symbols, closes = load_closes()
    assert closes.shape == (len(dates), len(symbols)) == (5785, 20)
    assert (dates[0], dates[-1]) == (np.datetime64("2000-01-03"), np.datetime64("2022-12-28"))
    assert (np.diff(dates) > np.timedelta64(0)).all()
    assert (closes > 0).all()
    assert symbols[:3] == ("AAPL", "AMD", "BAC")
    assert closes[0, :3].tolist() == [0.849, 15.5, 13.251]
    packed = PACKAGE / "us_large_caps.csv.gz"
    assert packed.stat().st_size <= 500_000
    head = gzip.decompress(packed.read_bytes()).decode().splitlines()[:3]
    assert all(line.startswith("#") for line in head)
    assert "BSD-3-Clause" in head[1]
    assert "survivors are over-represented" in head[2]


def test_prices_in_the_examples_unit_are_exact():
    _, _, closes = load_closes()
    units = np.rint(closes / 0.001)
    assert (np.abs(units * 0.001 - closes) < 1e-9).all()


def test_the_numbers_are_those_that_were_published(numbers):
    golden = json.loads((ROOT / "tests" / "data" / "demo.json").read_text())
    assert numbers["from"] == "2001-01-02"
    assert numbers["to"] == "2022-12-28"
    assert set(numbers["results"]) == set(golden)
    for name, expected in golden.items():
        found = numbers["results"][name]
        assert found["final_equity_dollars"] == expected["final_equity_dollars"]
        assert found["stops_fired"] == expected["stops_fired"]
        assert found["metrics"] == pytest.approx(expected["metrics"], rel=1e-12)
        assert len(found["monthly_returns"]) == 22 * 12


def test_months_multiply_to_the_whole(numbers):
    for result in numbers["results"].values():
        growth = np.prod([1 + change for change in result["monthly_returns"].values()])
        assert growth == pytest.approx(1 + result["metrics"]["total_return"], rel=1e-9)
        assert growth * 1_000_000 == pytest.approx(result["final_equity_dollars"], rel=1e-9)


def test_the_picture_is_a_png_where_it_was_asked_for(tmp_path):
    shown = run("--png", "chosen.png", cwd=tmp_path).stdout
    picture = tmp_path / "chosen.png"
    assert shown.splitlines()[-1] == f"Picture: {picture}"
    assert picture.read_bytes().startswith(b"\x89PNG\r\n")
    assert [path.name for path in tmp_path.iterdir()] == ["chosen.png"]
    readme = (ROOT / "README.md").read_text()
    for line in shown.splitlines()[:14]:  # down to final equity
        assert line in readme


def test_a_picture_that_cannot_be_written_is_one_line_after_the_numbers(tmp_path):
    done = run("--png", "no/such/folder/x.png", cwd=tmp_path, check=1)
    assert done.stderr.startswith("Error: the picture cannot be written: ")
    assert len(done.stderr.splitlines()) == 1
    assert "final equity ($)  26,759,249  14,280,982" in done.stdout
    assert "2022" in done.stdout
    assert "icture" not in done.stdout


def test_as_json_the_numbers_come_without_a_picture_that_cannot_be_written(tmp_path, numbers):
    done = run("--json", "--png", "x.gif", cwd=tmp_path, check=1)
    assert done.stderr.startswith("Error: the picture cannot be written: path must end in .png")
    assert json.loads(done.stdout) == {**numbers, "png": None}


def on_terminal(columns, cwd):
    """What a terminal of that width is sent, without its colours."""
    ours, its = os.openpty()
    termios.tcsetwinsize(its, (50, columns))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    process = subprocess.Popen(
        [sys.executable, "-m", "nanobook", "demo"],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=its,
        stderr=subprocess.DEVNULL,
    )
    os.close(its)
    sent = bytearray()
    with contextlib.suppress(OSError):  # how Linux says that the other side is closed
        while part := os.read(ours, 4096):
            sent += part
    os.close(ours)
    assert process.wait() == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", sent.decode()).splitlines()


@pytest.mark.parametrize(
    ("columns", "first"),
    [
        (92, "2001         -8.7   3.0   -5.0   1.8  -1.0   -1.3  -0.8"),
        (91, "2001         -9    3   -5    2   -1   -1   -1    0"),
        (80, "2001         -9    3   -5    2   -1   -1   -1    0"),
    ],
)
def test_the_months_fit_on_the_terminal(tmp_path, columns, first):
    lines = on_terminal(columns, tmp_path)
    (at,) = (number for number, line in enumerate(lines) if line.startswith("momentum %"))
    assert lines[at + 1].startswith(first)
    years = lines[at + 1 : at + 23]
    assert [line[:4] for line in years] == [str(year) for year in range(2001, 2023)]
    assert all(len(line.split()) == 14 for line in years)
    assert not re.search(r"-0(\.0)?\b(?!\.)", "\n".join(years))  # a loss that rounds to none
    assert max(map(len, lines[at : at + 23])) <= columns


def test_without_the_report_part_the_numbers_come_and_the_picture_says_why_not(tmp_path):
    code = "import nanobook.__main__ as m; m.main(['demo'])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "NANOBOOK_BLOCK": "nanobook-report"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "No picture: module 'nanobook' has no attribute 'plot_equity'" in done.stdout
    assert "final equity" in done.stdout
    assert list(tmp_path.iterdir()) == []
