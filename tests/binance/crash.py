"""Real `rebalancer run` over the socket of a simulated Binance, killed with -9 again and again.

    python tests/binance/crash.py --kills 1000
    python tests/binance/crash.py --kills 1000 --faults all

See tests/rebalancer/socket_crash.py.
"""

from __future__ import annotations

import sys
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Self

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from attrs import define, field
from tests.binance.binance_truth import truth_of
from tests.binance.trading_folder import config_at
from tests.rebalancer.judge import Audit, Ending, Violation, judge
from tests.rebalancer.socket_crash import CrashMatrix, write_target
from tests.rebalancer.venue_server import ORDERS

from nanobook_binance.simulator import Fault, SimulatedBinance
from nanobook_binance.simulator.server.request_log import LoggedRequest

CHILD = Path(__file__).with_name("crash_child.py")
#: One is reduced, one closed, one increased, one opened: an order each.
START = {"BTC": Decimal(1), "ETH": Decimal(10), "BNB": Decimal(20)}
WEIGHTS = {"BTC": 0.2, "BNB": 0.1, "PEPE": 0.05}
#: What the venue calls the first account.
ACCOUNT = "1"
MONEY = Decimal(100_000)
#: Bid, ask, and what the source of liquidity offers at a time.
MARKET = {
    "BTC": ("60000.00", "60000.01", "0.3"),
    "ETH": ("2500.00", "2500.01", "8"),
    "BNB": ("600.00", "600.01", "9"),
    "PEPE": ("0.00001000", "0.00001001", "700000000"),
}
#: How often it offers it, in seconds, and how often it is looked whether somebody is in doubt.
PULSE, LOOK = 0.05, 0.01
#: Seconds after which the venue can no longer take what was sent; they pass at once when somebody
#: has been told that an order is not there, so that nobody waits for them.
PROOF = 15.0
_QUESTION, _NOT_THERE = ("GET", "/api/v3/order"), -2013

#: What goes wrong at the venue while commands are killed, and what is said of it.
FAULTS: dict[Fault, dict[str, object]] = {
    Fault.DROP_BEFORE_ENGINE: {},
    Fault.DROP_AFTER_ENGINE: {},
    Fault.CONNECTION_RESET_KEEPALIVE: {"executed": True},
    Fault.PORT_REFUSED: {},
    Fault.TIMEOUT_EXECUTED: {},
    Fault.TIMEOUT_NOT_EXECUTED: {},
    Fault.QUEUED: {"seconds": 3},
    Fault.SLOW_BODY: {},
    Fault.TRUNCATED_JSON: {},
    Fault.WRONG_CONTENT_TYPE: {},
    Fault.DUPLICATE_RESPONSE: {},
    Fault.HTML_502: {"executed": True},
    Fault.HTML_403: {},
    Fault.HTTP_5XX: {},
    Fault.INTERNAL_1000: {"executed": True},
    Fault.INTERNAL_1001: {},
    Fault.INTERNAL_1006: {"executed": True},
    Fault.OVERLOADED_1008: {},
    Fault.IP_LIMIT_429: {},
    Fault.ORDER_LIMIT_1015: {},
    Fault.CLOCK_AHEAD: {},
    Fault.CLOCK_BEHIND: {},
    Fault.INDEX_LAG: {},
    Fault.PARTIAL_FILL: {},
    Fault.CANCEL_RACE: {},
    Fault.SERVER_CANCEL: {},
    Fault.STREAM_DROP: {},
    Fault.STREAM_SILENT: {},
    Fault.STREAM_DUPLICATE: {"times": 20},
    Fault.STREAM_REORDERED: {"times": 10},
    Fault.STREAM_LATE: {"times": 10},
    Fault.STREAM_TERMINATED: {},
    Fault.SERVER_SHUTDOWN: {},
    Fault.ACK_BEFORE_STREAM_EVENT: {"times": 10},
    Fault.ACK_AFTER_STREAM_EVENT: {"times": 10},
}


@define
class World:
    """A venue with an account, and a folder in which commands are started."""

    folder: Path
    seed: int
    rests: bool = False
    """Whether an order does not fill until it has been cancelled once."""
    binance: SimulatedBinance = field(init=False)
    account: str = field(init=False, default="")
    _is_over: threading.Event = field(factory=threading.Event)
    _source: threading.Thread = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.binance = SimulatedBinance(balances={"USDT": MONEY, **START})

    def __enter__(self) -> Self:
        self.binance.start()
        self._pulse()
        self._source = threading.Thread(target=self._flow, daemon=True)
        self._source.start()
        self.set_up()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._source.join()
        self.binance.stop()

    def set_up(self) -> None:
        """Write what the command reads: the keys are in files, as each venue has its own."""
        config = config_at(self.binance.url, timeout=1 if self.rests else 30, logs=".")
        for name in ("api_key", "secret_key"):
            path = self.folder / name
            path.touch(mode=0o600)
            path.write_text(getattr(self.binance, name))
            config = config.replace(f"env:BINANCE_{name.upper()}", f"file:{name}")
        (self.folder / "config.toml").write_text(config)
        write_target(self.folder, WEIGHTS)

    def _pulse(self) -> None:
        for number, (asset, (bid, ask, size)) in enumerate(MARKET.items()):
            chokes = self.rests and number == self.seed % ORDERS and not self._is_ended(asset)
            offered = str(Decimal(size) / 100) if chokes else size
            self.binance.set_quote(f"{asset}USDT", bid, ask, bid_size=offered, ask_size=offered)

    def _is_ended(self, asset: str) -> bool:
        """Whether an order of ours has ended."""
        return any(
            not order.is_open and order.symbol == f"{asset}USDT" for order in self.binance.orders()
        )

    def _flow(self) -> None:
        doubts, offered_at = 0, 0.0
        while not self._is_over.wait(LOOK):
            if time.monotonic() - offered_at >= PULSE:
                self._pulse()
                offered_at = time.monotonic()
            before, doubts = doubts, sum(map(_is_doubt, self.binance.log))
            if doubts > before:
                self.binance.advance(PROOF)

    def inject(self, fault: Fault, after: int) -> None:
        """Let something go wrong after so many occasions."""
        self.binance.inject(fault, **{"after": after, **FAULTS[fault]})

    def has_ended(self) -> None:
        """Nothing is to be done before the next command."""

    def judged(self, ending: Ending, *, is_faulty: bool) -> list[Violation]:
        """What the judge says."""
        path = self.folder / "audit.jsonl"
        content = path.read_bytes() if path.exists() else b""
        asked = frozenset(Audit.read(content, ACCOUNT).by_order) if is_faulty else frozenset()
        return judge(truth_of(self.binance, ACCOUNT, START, asked), content, ending)


def _is_doubt(asked: LoggedRequest) -> bool:
    """Whether somebody was told that there is no such order."""
    return (asked.method, asked.path) == _QUESTION and (
        isinstance(asked.answer, dict) and asked.answer.get("code") == _NOT_THERE
    )


MATRIX = CrashMatrix(
    child=CHILD,
    make_world=World,
    faults=FAULTS,
    at_once=frozenset({Fault.INDEX_LAG, Fault.CANCEL_RACE}),
)


if __name__ == "__main__":
    sys.exit(MATRIX.main(__doc__))
