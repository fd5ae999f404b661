"""`nanobook itch sample`: a day that is there whole or not at all."""

import errno
import gzip
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.itch.itch_command import ITCH, run_here, run_process

from nanobook_itch.testing.day import day_bytes

SMALL = ("--messages", 1000, "--symbols", 3, "--seed", 7)
DAY = day_bytes(messages=1000, symbols=3, seed=7, end_mark=True)


def test_a_day_is_written_as_the_generator_makes_it(tmp_path):
    file = tmp_path / "day.itch"
    said = f"{file}: 1,000 messages of 3 symbols\n"
    assert run_here("sample", file, *SMALL) == (0, said, "")
    assert file.read_bytes() == DAY
    assert [path.name for path in tmp_path.iterdir()] == ["day.itch"]


def test_a_name_that_ends_so_is_packed_and_the_same_each_time(tmp_path):
    for name in ("one.itch.gz", "two.itch.gz"):
        assert run_here("sample", tmp_path / name, *SMALL)[0] == 0
    packed = (tmp_path / "one.itch.gz").read_bytes()
    assert gzip.decompress(packed) == DAY
    assert packed == (tmp_path / "two.itch.gz").read_bytes()


def test_to_standard_output_go_the_bytes_and_nothing_else():
    assert run_process("sample", "-", *SMALL) == (0, DAY, "")


def test_who_stops_reading_hears_no_complaint():
    with subprocess.Popen(
        [*ITCH, "sample", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as writing:
        assert len(writing.stdout.read(10)) == 10
        writing.stdout.close()
        assert writing.stderr.read() == b""
    assert writing.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk here that is always full")
def test_a_full_disk_is_an_error_and_not_the_end_of_a_day():
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*ITCH, "sample", "-", "--messages", "1000"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=120,
        )
    assert (done.returncode, done.stderr) == (1, f"Error: {os.strerror(errno.ENOSPC)}\n")


def test_what_is_there_is_replaced_only_by_force(tmp_path):
    file = tmp_path / "day.itch"
    file.write_text("mine")
    refused = f"Error: {file}: is there; --force replaces it\n"
    assert run_here("sample", file, *SMALL) == (2, "", refused)
    assert file.read_text() == "mine"
    assert run_here("sample", file, *SMALL, "--force")[0] == 0
    assert file.read_bytes() == DAY


def test_what_is_no_file_is_not_replaced_by_force_either(tmp_path):
    code, _, said = run_here("sample", tmp_path, *SMALL, "--force")
    assert (code, said) == (2, f"Error: {tmp_path}: is there, and is no file to be replaced\n")


def test_a_folder_that_is_not_there_is_named(tmp_path):
    file = tmp_path / "none" / "day.itch"
    said = f"Error: {file}: {os.strerror(errno.ENOENT)}\n"
    assert run_here("sample", file, *SMALL) == (2, "", said)


def test_too_few_messages_are_refused_with_how_many_there_must_be(tmp_path):
    code, _, said = run_here("sample", tmp_path / "day.itch", "--messages", 5)
    assert (code, said) == (
        2,
        "Error: 5 messages are too few for 20 symbols: there must be 400 or more\n",
    )
    assert list(tmp_path.iterdir()) == []


ENDLESS = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from nanobook_core.cli.main import main
main(["itch", "sample", "day.itch", "--messages", "1000000000"])
"""


def test_ctrl_c_leaves_nothing_behind(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as writing:
        while writing.poll() is None and not any(tmp_path.iterdir()):
            time.sleep(0.01)
        writing.send_signal(signal.SIGINT)
        assert writing.stderr.read().splitlines()[-1] == "Interrupted."
    assert writing.returncode == 130
    assert list(tmp_path.iterdir()) == []
