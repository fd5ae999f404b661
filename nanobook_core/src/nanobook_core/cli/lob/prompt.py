"""`lob` at a terminal: a prompt that completes and remembers."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import Completer, NestedCompleter, PathCompleter
from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from nanobook_core.cli.lob.session import COMMANDS, Quit, Session


def converse(session: Session) -> None:
    """Carry out lines until the user leaves; Ctrl-C gives up a line, Ctrl-D is the end."""
    prompt: PromptSession[str] = PromptSession(history=_history(), completer=_completer())
    while True:
        try:
            session.execute(prompt.prompt("lob> "))
        except KeyboardInterrupt:
            continue
        except (EOFError, Quit):
            return


def history_file() -> Path:
    """Return where the lines of earlier sessions are kept."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    else:
        base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "nanobook" / "lob_history"


def _history() -> History:
    path = history_file()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Nobody else's business; the prompt would create it for all to read.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    except OSError:
        return InMemoryHistory()
    return FileHistory(path)


def _completer() -> Completer:
    sides = {"buy": None, "sell": None}
    words: dict[str, object] = dict.fromkeys(name for name in COMMANDS if len(name) > 1)
    words |= dict.fromkeys(("market", "stop", "stoplimit", "trail", "traillimit"), sides)
    words |= {"cancel": {"all": sides}, "help": dict.fromkeys(words)}
    words |= dict.fromkeys(("save", "save!", "load"), PathCompleter(expanduser=True))
    return NestedCompleter.from_nested_dict(words)
