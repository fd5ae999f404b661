"""The README's Python runs as it stands and prints what stands below it."""

import re
from pathlib import Path

README = (Path(__file__).parents[2] / "README.md").read_text()
BLOCKS = re.findall(r"```(python|text)\n(.*?)```", README, re.DOTALL)


def test_every_python_block_runs_and_prints_what_the_readme_shows(capsys):
    namespace = {}
    ran = 0
    for number, (language, code) in enumerate(BLOCKS):
        if language != "python":
            continue
        exec(compile(code, f"README block {number}", "exec"), namespace)  # noqa: S102 - our own
        printed = capsys.readouterr().out
        ran += 1
        if printed:
            assert BLOCKS[number + 1] == ("text", printed)
    assert ran == 5
    assert namespace["metrics"].num_periods == 1


def test_the_two_commands_stand_there_as_they_are():
    for command in ("uv run nanobook demo", "uv run pytest"):
        assert f"python3 -m pip install uv && {command}" in README
