"""What `nanobook doctor` says of ITCH: by what a feed is read, and what is missing to write it."""

import json

from tests.core.cli.test_commands import run

from nanobook_core.cli import doctor_itch
from nanobook_native import COMPILED


def findings(check=0, **variables):
    shown = json.loads(run("doctor", "--json", check=check, **variables).stdout)
    return {each["about"]: (each["level"], each["detail"]) for each in shown}


def test_compiled_kernels_are_named():
    level, detail = findings()["itch"]
    assert (level, detail == "itch_decode and itch_books are compiled") == (
        ("ok", True) if COMPILED else ("warning", False)
    )


def test_without_them_the_fallbacks_are_named_and_what_to_do():
    level, detail = findings(NANOBOOK_BLOCK="nanobook-native")["itch"]
    assert level == "warning"
    assert detail.startswith("itch_decode and itch_books without a compiler: the same results, ")
    assert "`uv sync --reinstall-package nanobook-native`" in detail


def test_without_any_kernel_it_is_an_error():
    level, detail = findings(check=1, NANOBOOK_BLOCK="nanobook-native,nanobook-itch")["itch"]
    assert level == "error"
    assert detail.startswith("cannot read a feed: no kernel named 'itch_decode'")


def test_of_parquet_it_says_what_to_install(monkeypatch):
    (found,) = [each for each in doctor_itch.examine_itch() if each.about == "pyarrow"]
    assert found.level == "ok"
    monkeypatch.setattr(doctor_itch, "_FILES", "no-such-arrow")
    (found,) = [each for each in doctor_itch.examine_itch() if each.about == "no-such-arrow"]
    assert found.level == "note"
    assert found.detail.endswith("; python3 -m pip install no-such-arrow adds it")


def test_where_the_parser_is_not_installed_nothing_is_said(monkeypatch):
    monkeypatch.setattr(doctor_itch, "installed", lambda _: None)
    assert list(doctor_itch.examine_itch()) == []
