"""Pages of the documentation: their blocks run, and print what the page shows below them."""

import ast
import contextlib
import inspect
import io
import re
from itertools import pairwise
from pathlib import Path

FAULTS = "| fault | what happens |\n|---|---|\n"


class Page:
    """A page whose blocks `to_run` makes runnable, and `to_show` makes repeatable."""

    def __init__(self, name, *, to_run=lambda code: code, to_show=lambda printed: printed):
        self.path = Path(__file__).parents[1] / "docs" / name
        self.text = self.path.read_text()
        self.to_run = to_run
        self.to_show = to_show

    def blocks(self, text=None):
        """What is between fences: language, text and where the text is."""
        found = re.finditer(
            r"^```(\w*)\n(.*?)^```$", self.text if text is None else text, re.DOTALL | re.MULTILINE
        )
        return [(match[1], match[2], match.span(2)) for match in found]

    def files(self, text=None):
        """Blocks that are files, by the name that is their first line."""
        found = (
            re.match(r"# (\w+\.py)\n(.*)", code, re.DOTALL) for _, code, _ in self.blocks(text)
        )
        return {match[1]: match[2] for match in found if match}

    def section(self, title):
        """What stands below a headline, up to the next one of its rank."""
        return self.text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]

    def texts(self, title):
        """Outputs that a section shows."""
        shown = self.blocks(self.section(title))
        return [text for language, text, _ in shown if language == "text"]

    def rows(self, title, pattern):
        """What the pattern finds in a section, line by line."""
        return re.findall(pattern, self.section(title), re.MULTILINE)

    def outputs(self):
        """What each block to be typed prints, what the page says it does, and where that is."""
        namespace = {"__name__": "page"}
        shown = [*self.blocks(), ("", "", (0, 0))]
        for (language, code, _), (kind, text, span) in pairwise(shown):
            if language == "python" and not re.match(r"# \w+\.py\n", code):
                with contextlib.redirect_stdout(io.StringIO()) as printed:
                    exec(compile(self.to_run(code), "page", "exec"), namespace)  # noqa: S102
                yield self.to_show(printed.getvalue()), text * (kind == "text"), span

    def renew(self, faults):
        """Write what the blocks print into the page, and the table of faults."""
        text = self.text
        for output, shown, (start, end) in reversed(list(self.outputs())):
            if output and not is_shown(output, shown):
                text = text[:start] + output + text[end:]
        before, _, rest = text.partition(FAULTS)
        table = "".join(f"| `{name}` | {what} |\n" for name, what in described(faults))
        self.path.write_text(before + FAULTS + table + "\n" + rest.partition("\n\n")[2])


def is_shown(output, shown):
    """Whether a page shows an output; three dots in a line stand for anything."""
    return re.fullmatch(re.escape(shown).replace(r"\.\.\.", ".*"), output) is not None


def described(enum):
    """Members of an enum with the texts below them."""
    (found,) = ast.parse(inspect.getsource(enum)).body
    for member, text in pairwise(found.body):
        if isinstance(member, ast.Assign):
            yield member.targets[0].id, " ".join(text.value.value.split())
