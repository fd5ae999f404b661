"""The REPL, from a pipe and in a terminal.

Write the golden transcript anew with: python tests/core/cli/test_lob.py
"""

import codecs
import fcntl
import json
import os
import pty
import select
import stat
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

import nanobook_core.cli.lob.main
from nanobook_core.cli.lob.session import COMMANDS, LINE_LENGTH, Session
from nanobook_core.lob import Exchange
from nanobook_core.plugin.registry import default_registry
from nanobook_core.testing import CommandSuite

DATA = Path(__file__).parents[2] / "data" / "lob"
TRANSCRIPT = DATA / "session.txt"
PROMPT = "lob> "
LOB = [sys.executable, "-m", "nanobook", "lob"]


class TestCommand(CommandSuite):
    @pytest.fixture
    def command(self):
        return nanobook_core.cli.lob.main.lob


class Recorded(Session):
    """A session that keeps what it says."""

    def __init__(self, engine=Exchange, stop_trigger="every"):
        self.said = []
        super().__init__(engine, stop_trigger, lambda text, _: self.said.append(text))


def transcript(engine):
    """The session of the golden file, told by this engine."""
    session, lines = Recorded(engine), []
    for line in TRANSCRIPT.read_text().splitlines():
        if line.startswith(PROMPT):
            session.said.clear()
            session.execute(line.removeprefix(PROMPT))
            lines += [line, *session.said]
    return "".join(f"{line}\n" for line in lines)


def run(*args, text, check=0):
    done = subprocess.run(
        [*LOB, *args], input=text, capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == check, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize("name", ["nanobook-core:exchange", "exchange"])
def test_every_command_answers_as_in_the_golden_transcript(name):
    engine = default_registry().load("engine", name)
    assert transcript(engine) == TRANSCRIPT.read_text()


def test_the_golden_transcript_has_every_command():
    used = {
        line.removeprefix(PROMPT).split()[0].lower()
        for line in TRANSCRIPT.read_text().splitlines()
        if line.startswith(PROMPT)
    }
    # These end it, or have files of their own below.
    apart = {"quit", "exit", "q", "save", "save!", "load"}
    assert set(COMMANDS) - used == apart


def test_a_pipe_gives_the_same_lines_without_prompts_or_colours():
    golden = TRANSCRIPT.read_text().splitlines(keepends=True)
    typed = [line.removeprefix(PROMPT) for line in golden if line.startswith(PROMPT)]
    answers = [line for line in golden if not line.startswith(PROMPT)]
    done = run(text="".join(typed), check=1)  # some of these fail
    assert done.stdout == "".join(answers) + "Goodbye!\n"
    assert done.stderr == ""


@pytest.mark.parametrize(
    "text", ["", "quit\n", "EXIT\n", "q", "book\n", "# a remark\n\n   \nbuy 1 1\n"]
)
def test_it_ends_well_at_the_end_of_input_and_when_told(text):
    assert run(text=text).stdout.endswith("Goodbye!\n")


def test_nothing_after_quit_is_carried_out():
    assert run(text="quit\nnonsense\n").stdout == "Goodbye!\n"


def test_a_failed_line_of_a_pipe_is_exit_code_1_and_the_rest_is_carried_out():
    done = run(text="cancel 1\nbuy 100.50 100\n", check=1)
    assert done.stdout == (
        "Failed to cancel order #1: Some(OrderNotFound)\n"
        "Order #1: BUY 100 @ $100.50 GTC\n"
        "  Status: New (filled: 0, resting: 100, cancelled: 0)\n"
        "Goodbye!\n"
    )


@pytest.mark.parametrize(
    "row", json.loads((DATA / "bad_commands.json").read_text()), ids=lambda row: row["line"][:40]
)
def test_bad_input_says_what_is_wrong_and_changes_nothing(row, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.jsonl").write_text("precious\n")
    (tmp_path / "folder").mkdir()
    session = Recorded()
    for line in ("buy 100.50 100", "sell 101 50", "stop sell 99 10", "market buy 10"):
        assert session.execute(line)
    before, events = session.exchange.state_hash(), session.exchange.events()
    exchange = session.exchange
    session.said.clear()
    assert not session.execute(row["line"] * row.get("times", 1))
    assert session.said == [row["says"]]
    assert session.exchange is exchange
    assert exchange.state_hash() == before
    # What was understood is recorded also where it fails, as every request is.
    assert exchange.events()[: len(events)] == events
    assert len(exchange.events()) - len(events) == row.get("recorded", 0)
    assert (tmp_path / "there.jsonl").read_text() == "precious\n"
    assert session.execute("book")


def test_a_line_of_a_megabyte_is_refused_and_the_next_one_carried_out():
    done = run(text="buy " + "1" * 2**20 + "\nbuy 1 1\n", check=1)
    assert done.stdout.splitlines()[:2] == [
        f"Line too long: at most {LINE_LENGTH} characters.",
        "Order #1: BUY 1 @ $1.00 GTC",
    ]


def test_bytes_that_are_no_text_are_refused_like_any_other_word():
    done = subprocess.run(
        LOB, input=b"buy \xff\xfe 1\nbuy 1 1\n", capture_output=True, check=False, timeout=30
    )
    assert "Invalid price" in done.stdout.decode()
    assert "Order #1" in done.stdout.decode()


def test_what_is_saved_can_be_loaded(tmp_path):
    path = tmp_path / "the book.jsonl"
    done = run(text=f"sell 101 50\nmarket buy 20\nhash\nsave {path}\nclear\nload {path}\nhash\n")
    lines = done.stdout.splitlines()
    hashes = [line for line in lines if line.startswith("State hash: ")]
    assert hashes[0] == hashes[1]
    assert f"Saved to {path}" in lines
    assert "Book cleared." in lines
    assert f"Loaded from {path}" in lines
    at_start = run(str(path), text="hash\n")
    assert at_start.stdout.splitlines()[0] == hashes[0]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_save_replaces_a_file_only_with_an_exclamation_mark(tmp_path):
    path = tmp_path / "orders.jsonl"
    path.write_text("precious\n")
    session = Recorded()
    session.execute("buy 1 1")
    assert not session.execute(f"save {path}")
    assert session.said[-1] == f"Save failed: {path} is there; save! {path} replaces it"
    assert path.read_text() == "precious\n"
    saved = '{"SubmitLimit":{"side":"Buy","price":100,"quantity":1,"time_in_force":"GTC"}}\n'
    for line in (f"save! {path}", f"save {path} !"):
        path.write_text("precious\n")
        assert session.execute(line)
        assert path.read_text() == saved


def test_a_file_that_cannot_be_loaded_at_the_start_is_an_error(tmp_path):
    path = tmp_path / "bad.jsonl"
    path.write_text('{"Nonsense":{}}\n')
    assert "line 1: there is no event 'Nonsense'" in run(str(path), text="", check=1).stderr
    missing = tmp_path / "missing.jsonl"
    assert "No such file" in run(str(missing), text="", check=1).stderr


def test_the_original_rule_for_stops_can_be_chosen():
    # The first print of the sweep elects the stop, the last one does not.
    lines = "sell 101 10\nsell 99 10\nstop sell 99 5\nmarket buy 20\nstops\n"
    assert "No stops wait." in run(text=lines).stdout
    assert "#3 SELL 5 @ $99.00" in run("--stop-trigger", "last", text=lines).stdout


class Terminal:
    """`lob` in a pseudo terminal."""

    def __init__(self, state, *args):
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
        self.process = subprocess.Popen(
            [*LOB, *args],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            # This terminal does not answer when it is asked where its cursor is.
            env={
                **os.environ,
                "TERM": "xterm-256color",
                "XDG_STATE_HOME": str(state),
                "PROMPT_TOOLKIT_NO_CPR": "1",
            },
        )
        os.close(theirs)
        self.terminal = ours
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        self.unread = ""

    def type(self, text):
        os.write(self.terminal, text.encode())

    def wait_for(self, text):
        """Read until the text comes, and return what came before it."""
        end = time.monotonic() + 30
        while text not in self.unread:
            ready, _, _ = select.select([self.terminal], [], [], max(0, end - time.monotonic()))
            assert ready, f"{text!r} did not come: {self.unread!r}"
            try:
                more = os.read(self.terminal, 65536)
            except OSError:  # the other end is closed
                more = b""
            assert more, f"{text!r} did not come: {self.unread!r}"
            self.unread += self.decoder.decode(more)
        seen, _, self.unread = self.unread.partition(text)
        return seen

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)


def test_in_a_terminal_it_prompts_colours_completes_and_remembers(tmp_path):
    with Terminal(tmp_path) as lob:
        assert "Type 'help' for commands" in lob.wait_for("lob>")
        lob.type("buy 100.50 100\r")
        lob.wait_for("Order #1: BUY 100 @ $100.50 GTC")
        lob.wait_for("lob>")
        lob.type("sell 101")
        lob.wait_for("101")
        lob.type("\x03")  # Ctrl-C gives up the line
        lob.wait_for("lob>")
        lob.type("sto\t")
        lob.wait_for("stoplimit")  # both are offered
        lob.type("\x03")
        lob.wait_for("lob>")
        lob.type("\x1b[A\r")  # the line before: buy
        lob.wait_for("Order #2: BUY 100 @ $100.50 GTC")
        lob.wait_for("lob>")
        lob.type("book\r")
        assert "\x1b[32m" in lob.wait_for("(2 orders)")  # bids are green
        lob.wait_for("lob>")
        lob.type("nonsense\r")
        lob.wait_for("Unknown command: 'nonsense'")
        lob.wait_for("lob>")
        lob.type("\x04")  # Ctrl-D
        lob.wait_for("Goodbye!")
        assert lob.process.wait(30) == 0
    history = tmp_path / "nanobook" / "lob_history"
    assert "+buy 100.50 100\n" in history.read_text()
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    assert stat.S_IMODE(history.parent.stat().st_mode) == 0o700


def test_a_terminal_whose_user_has_no_place_for_history_works_all_the_same(tmp_path):
    (tmp_path / "nanobook").write_text("a file where the folder should be")
    with Terminal(tmp_path) as lob:
        lob.wait_for("lob>")
        lob.type("quit\r")
        lob.wait_for("Goodbye!")
        assert lob.process.wait(30) == 0


if __name__ == "__main__":
    TRANSCRIPT.write_text(transcript(Exchange))
