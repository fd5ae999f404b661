"""What `nanobook doctor` says of Binance: never a key, and the clock only when asked."""

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from tests.core.cli.test_commands import run

from nanobook_core.cli.doctor_binance import examine_binance, examine_clock

KEYS = ("BINANCE_API_KEY", "BINANCE_SECRET_KEY")
VALUE = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"


@contextmanager
def answering(body):
    """An address at which everything is answered with that."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            content = body(self.path).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def clock_that_is(ahead):
    def told(path):
        assert path == "/api/v3/time"
        return json.dumps({"serverTime": int((time.time() + ahead) * 1000)})

    return told


@pytest.mark.parametrize(
    ("there", "level", "detail"),
    [
        (KEYS, "ok", "BINANCE_API_KEY and BINANCE_SECRET_KEY are set"),
        (KEYS[:1], "warning", "BINANCE_API_KEY is set, BINANCE_SECRET_KEY is not"),
        (KEYS[1:], "warning", "BINANCE_SECRET_KEY is set, BINANCE_API_KEY is not"),
        (
            (),
            "note",
            f"{' and '.join(KEYS)} are not set; BinanceBroker has no keys but those it is given",
        ),
    ],
)
def test_of_keys_it_says_whether_they_are_there(there, level, detail, monkeypatch):
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    for name in there:
        monkeypatch.setenv(name, VALUE)
    (found,) = [each for each in examine_binance() if each.about == "binance keys"]
    assert (found.level, found.detail) == (level, detail)


def test_no_key_is_shown():
    shown = run("doctor", **dict.fromkeys(KEYS, VALUE)).stdout
    assert "are set" in shown
    assert VALUE not in shown


@pytest.mark.parametrize(
    ("ahead", "level", "words"),
    [(0, "ok", ""), (3600, "warning", " s behind "), (-3600, "warning", " s ahead of ")],
)
def test_the_clock_is_compared_when_asked(ahead, level, words):
    with answering(clock_that_is(ahead)) as url:
        found = examine_clock(f"{url}/")
    assert (found.level, found.about) == (level, "clock")
    assert words in found.detail
    assert found.detail.endswith("; set it, as with NTP") == (level == "warning")


def test_the_command_says_it_last():
    with answering(clock_that_is(3600)) as url:
        shown = json.loads(run("doctor", "--json", "--clock", url).stdout)
    assert (shown[-1]["level"], shown[-1]["about"]) == ("warning", "clock")


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"serverTime": "soon"}', "<html>"])
def test_an_answer_that_tells_no_time_is_an_error(body):
    with answering(lambda _: body) as url:
        found = examine_clock(url)
    assert found.level == "error"
    assert found.detail.startswith(f"{url} does not tell the time: ")


def test_no_answer_and_no_address_are_errors():
    found = examine_clock("http://127.0.0.1:1")
    assert (found.level, "Connection refused" in found.detail) == ("error", True)
    assert examine_clock("file:///etc/passwd").detail == (
        "an address like https://api.binance.com, got 'file:///etc/passwd'"
    )
