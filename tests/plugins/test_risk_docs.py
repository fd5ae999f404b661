"""What the documents say of the checks is what they do."""

import contextlib
import io
import re
from pathlib import Path

import pytest

import nanobook
from nanobook_core.plugin.registry import default_registry, load_target

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "docs" / "risk.md", ROOT / "plugins" / "nanobook_risk" / "README.md"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_example_prints_what_it_says(document):
    text = document.read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", text, re.DOTALL)
    assert len(examples) == text.count("```python")
    for code, printed in examples:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(code, {})  # noqa: S102 - our own document
        assert said.getvalue() == printed


def offered():
    names = nanobook.capabilities("risk_check")
    return [name.removeprefix("risk_check_") for name in names]


def test_the_readme_names_every_check_and_every_setting():
    table = dict(
        re.findall(r"^\| `(\w+)` \| [^|]*\|([^|]*)\|$", DOCUMENTS[1].read_text(), re.MULTILINE)
    )
    assert sorted(table) == sorted(offered())
    for name, settings in table.items():
        target = load_target(default_registry().get("risk_check", name))
        named = re.findall(r"(\w+)(?:=[^,`]*)?[,`]", settings)
        assert named == [field.name for field in target.__attrs_attrs__], name


def test_the_guide_names_every_further_check_and_every_setting():
    text = DOCUMENTS[0].read_text().partition("## Further checks")[2]
    rows = dict(re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|", text, re.MULTILINE))
    seed = nanobook.RiskEngine().checks
    assert sorted([*rows, *seed]) == sorted(offered())
    for name, settings in rows.items():
        target = load_target(default_registry().get("risk_check", name))
        named = re.findall(r"`(\w+)", settings)
        assert named == [field.name for field in target.__attrs_attrs__], name
