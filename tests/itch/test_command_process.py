"""`nanobook itch` as a shell runs it: pipes, Ctrl-C, terminals."""

import gzip
import json
import signal
import subprocess
import sys
import time

import pytest
from tests.itch.itch_command import ITCH, run_here, run_process

from nanobook_itch.testing.day import day_bytes, write_day

DAY = day_bytes(messages=5000, symbols=5, seed=1, end_mark=True)


@pytest.fixture
def day(tmp_path):
    file = tmp_path / "day.itch"
    file.write_bytes(DAY)
    return file


def test_a_file_a_pipe_and_what_gzip_packed_say_the_same(day):
    code, output, errors = run_here("books", day, "--json")
    assert (code, errors) == (0, "")
    assert len(json.loads(output)["books"]) == 5
    packed = gzip.compress(DAY)
    for given in (DAY, packed):
        assert run_process("books", "-", "--json", given=given) == (0, output.encode(), "")
    day.write_bytes(packed)  # whatever its name
    assert run_here("books", day, "--json") == (0, output, "")


def test_what_comes_through_a_pipe_and_is_wrong_is_said_of_standard_input():
    code, output, errors = run_process("books", "-", given=DAY[:-10])
    assert (code, output) == (2, b"")
    assert errors.startswith("Error: standard input: message 'S' at byte ")


def test_rows_to_standard_output_are_those_of_the_file(day):
    file = day.with_name("trades.csv")
    assert run_process("trades", day, "--out", file)[0] == 0
    assert run_process("trades", day, "--out", "-") == (0, file.read_bytes(), "")


def test_no_file_is_made_of_what_is_damaged(tmp_path):
    file = tmp_path / "day.itch"
    file.write_bytes(DAY[:-10])
    for out in (tmp_path / "bbo.csv", "-"):
        code, _, errors = run_here("books", file, "--out", out)
        assert (code, errors.count("\n")) == (2, 1)
        assert [path.name for path in tmp_path.iterdir()] == ["day.itch"]


def test_who_stops_reading_hears_no_complaint(tmp_path):
    file = tmp_path / "day.itch"
    write_day(file, messages=20_000, symbols=5)
    with subprocess.Popen(
        [*ITCH, "books", file, "--out", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as writing:
        assert writing.stdout.readline().startswith(b"sequence,timestamp,")
        writing.stdout.close()
        assert writing.stderr.read() == b""
    assert writing.returncode == 0


WAITING = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from nanobook_core.cli.main import main
main(["itch", "books", "-", "--out", "bbo.csv"])
"""


def test_ctrl_c_ends_it_with_nothing_left(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", WAITING],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as reading:
        while reading.poll() is None and not list(tmp_path.iterdir()):
            time.sleep(0.01)  # its standard input never ends
        reading.send_signal(signal.SIGINT)
        said = reading.stderr.read().splitlines()
        reading.wait(timeout=120)
    assert (reading.returncode, said[-1]) == (130, "Interrupted.")
    assert list(tmp_path.iterdir()) == []
