"""What the compiled kernels of ITCH refuse: the best ones installed."""

import subprocess
import sys
from threading import Thread

import pytest

from nanobook_core.contracts import ItchMemory
from nanobook_core.errors import ConcurrentUseError
from nanobook_core.plugin.registry import Registry
from nanobook_itch.testing.packing import message

REGISTRY = Registry.discover()
SETTINGS = {"symbols": None, "strict": False, "start": 0, "end": 2**63 - 1}
ORDERS = {"tables": frozenset(), "depth": 1, "grid": None, **SETTINGS}


def test_the_last_time_on_the_wire_is_not_before_itself():
    data = message("S", 0, 2**48 - 2, b"O") + message("S", 0, 2**48 - 1, b"C")
    decode = REGISTRY.load("kernel", "itch_decode")
    for end, n_rows in ((2**48 - 2, 0), (2**48 - 1, 1), (2**48, 2)):
        found = decode(data, ItchMemory(), types=None, **{**SETTINGS, "end": end})
        assert len(found.families["system"]) == n_rows


def test_a_grid_is_not_finished_while_another_thread_is_inside():
    data = message("S", 0, 0, b"O") * 500_000
    refused = []
    for _ in range(50):
        books = REGISTRY.load("kernel", "itch_books")(**ORDERS)
        thread = Thread(target=books.feed, args=(data,))
        thread.start()
        while thread.is_alive() and not refused:
            try:
                books.finish(-1)
            except ConcurrentUseError as error:
                refused.append(str(error))
        thread.join()
        if refused:
            break
    assert refused == ["another thread is inside these books; use a lock"]


FULL = """
import resource
from nanobook_core.plugin.registry import Registry
from nanobook_itch.testing.packing import message

books = Registry.discover().load("kernel", "itch_books")(
    symbols=None, strict=True, tables=frozenset(), depth=1, grid=None, start=0, end=2**63 - 1
)
with open("/proc/self/statm") as sizes:
    pages = int(sizes.read().split()[0])
before = resource.getrlimit(resource.RLIMIT_AS)
limit = pages * resource.getpagesize() + 2**26
resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
n = 0
try:
    while True:
        orders = range(n, n + 1_000)
        books.feed(b"".join(message("A", 1, 0, i, b"B", 1, b"A".ljust(8), i + 1) for i in orders))
        n += 1_000
except MemoryError:
    resource.setrlimit(resource.RLIMIT_AS, before)
n_refused = 0
for ask in (lambda: books.feed(b""), lambda: books.finish(0), books.take, books.orders):
    try:
        ask()
    except MemoryError as error:
        n_refused += "can no longer be used" in str(error)
print(n_refused)
"""


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="no limits for other processes here"
)
def test_books_that_were_full_are_not_used_again():
    done = subprocess.run([sys.executable, "-c", FULL], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "4\n"), done.stderr
