"""Python in the README and the docs runs as it stands and prints what stands below it."""

import re
from pathlib import Path

import pytest
from tests import simulator_command
from tests.ibkr.simulator_process import simulator

from nanobook_itch.testing.day import write_day

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def run(page, capsys):
    """Run a page's blocks one after another; their names, and how many there are."""
    blocks = re.findall(r"```(python|text)\n(.*?)```", page, re.DOTALL)
    namespace = {"__name__": "page"}
    ran = 0
    for number, (language, code) in enumerate(blocks):
        if language != "python":
            continue
        exec(compile(code, f"block {number}", "exec"), namespace)  # noqa: S102 - our own
        printed = capsys.readouterr().out
        ran += 1
        if printed:
            assert blocks[number + 1] == ("text", printed)
    return namespace, ran


def test_every_python_block_runs_and_prints_what_the_readme_shows(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("data").mkdir()
    write_day("data/sample.itch", messages=100_000, symbols=20)
    binance = simulator_command.started("nanobook_binance.simulator", cwd=tmp_path)
    with simulator(cwd=tmp_path) as port, binance as exchange:
        # the README's 4002 may be somebody's gateway, and its testnet is somebody's
        monkeypatch.setenv("BINANCE_API_KEY", exchange["api_key"])
        monkeypatch.setenv("BINANCE_SECRET_KEY", exchange["secret_key"])
        page = README.replace("4002, ", f"{port}, ")
        page = page.replace("testnet=True, ", f'base_url="{exchange["url"]}", ')
        namespace, ran = run(page, capsys)
    assert ran == 11
    assert namespace["metrics"].num_periods == 1


@pytest.mark.parametrize(
    ("name", "n_blocks"),
    [
        ("brokers", 4),
        ("indicators", 2),
        ("optimizers", 4),
        ("plugins", 4),
        ("rebalancer", 2),
        ("simulation", 2),
        ("volatility", 3),
    ],
)
def test_every_python_block_runs_and_prints_what_the_page_shows(
    name, n_blocks, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert run((ROOT / "docs" / f"{name}.md").read_text(), capsys)[1] == n_blocks


def test_the_two_commands_stand_there_as_they_are():
    for command in ("uv run nanobook demo", "uv run pytest"):
        assert f"python3 -m pip install uv && {command}" in README
