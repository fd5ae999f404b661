import inspect
import re
from pathlib import Path

from nanobook_core.plugin import hookspecs

PAGE = Path(__file__).parents[3] / "docs" / "plugins.md"


def test_every_hook_is_documented_with_its_exact_signature():
    declared = {
        f"{name}{inspect.signature(hook)}".replace("'", "")
        for name, hook in vars(hookspecs).items()
        if name.startswith("nanobook_")
    }
    documented = set(re.findall(r"^\| `(nanobook_\w+\(.*?)` \|", PAGE.read_text(), re.MULTILINE))
    assert documented == declared
