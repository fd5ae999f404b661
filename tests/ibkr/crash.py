"""Real `rebalancer run` over the socket of a simulated gateway, killed with -9 again and again.

    python tests/ibkr/crash.py --kills 1000
    python tests/ibkr/crash.py --kills 1000 --faults all

See tests/rebalancer/socket_crash.py.
"""

from __future__ import annotations

import sys
import threading
from decimal import Decimal
from pathlib import Path
from typing import Self

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from attrs import define, field
from tests.ibkr.gateway_truth import truth_of
from tests.rebalancer.judge import Audit, Ending, Violation, judge
from tests.rebalancer.socket_crash import CrashMatrix, write_target
from tests.rebalancer.venue_server import ORDERS, PRICES, START, WEIGHTS

from nanobook_ibkr.simulator.fault import Fault
from nanobook_ibkr.simulator.gateway import SimulatedGateway
from nanobook_ibkr.simulator.record import ContractDefinition
from nanobook_ibkr.simulator.venue import Venue

ACCOUNT = "DU1234567"
CHILD = Path(__file__).with_name("crash_child.py")
HALF_SPREAD = Decimal("0.02")
#: What the source of liquidity offers at a time, and how often, in seconds.
SIZE, PULSE = Decimal(700), 0.05

CONFIG = """
[connection]
host = "127.0.0.1"
port = {port}
client_id = 100
timeout_secs = 10

[account]
id = "{account}"
type = "margin"

[execution]
order_interval_ms = 0
order_timeout_secs = {timeout}

[risk]
max_trade_usd = 1000000.0

[logging]
dir = "."
"""

#: What goes wrong at the gateway while commands are killed, and what is said of it.
FAULTS: dict[Fault, dict[str, object]] = {
    Fault.DROP_BEFORE_ACCEPT: {},
    Fault.DROP_AFTER_ACCEPT: {},
    Fault.DROP_MID_FILL: {},
    Fault.FILL_WHILE_AWAY: {},
    Fault.DUPLICATE_MESSAGES: {"times": 40},
    Fault.EXECUTION_BEFORE_STATUS: {"times": 10},
    Fault.STATUS_REORDERED: {"times": 10},
    Fault.COMMISSION_LATE: {"times": 10},
    Fault.COMMISSION_NEVER: {"times": 10},
    Fault.CORRECTION: {},
    Fault.LINK_LOST_DATA_KEPT: {},
    Fault.LINK_LOST_DATA_LOST: {},
    Fault.PORT_REFUSED: {},
    Fault.PACING_CUT: {},
    Fault.GARBAGE_FRAME: {},
    Fault.UNKNOWN_MESSAGE: {},
    Fault.SPLIT_FRAMES: {},
    Fault.MERGED_FRAMES: {},
    Fault.ORDER_ID_JUMP: {},
    Fault.REJECT: {"code": 10349},
    Fault.INACTIVE_THEN_FILLED: {},
    Fault.LOST_CANCEL: {},
    Fault.MANUAL_ORDER: {"quantity": Decimal(1), "limit": Decimal(1)},
    Fault.FOREIGN_ORDER: {"quantity": Decimal(1), "limit": Decimal(1)},
}


@define
class World:
    """A gateway with an account, and a folder in which commands are started."""

    folder: Path
    seed: int
    rests: bool = False
    """Whether an order does not fill until it has been cancelled once."""
    gateway: SimulatedGateway = field(init=False)
    _is_over: threading.Event = field(factory=threading.Event)
    _source: threading.Thread = field(init=False)

    def __attrs_post_init__(self) -> None:
        listed = [
            ContractDefinition(con_id=1000 + number, symbol=symbol)
            for number, symbol in enumerate(PRICES)
        ]
        venue = Venue(listed, cash={ACCOUNT: Decimal(1_000_000)})
        self.gateway = SimulatedGateway(venue)

    def __enter__(self) -> Self:
        self.gateway.start()
        for symbol in PRICES:
            self._quote(symbol, None)
        for symbol, quantity in START.items():
            side = "BUY" if quantity > 0 else "SELL"
            self.gateway.submit_manual(symbol, side, abs(quantity))
        self._pulse()
        self._source = threading.Thread(target=self._flow, daemon=True)
        self._source.start()
        self.set_up()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._source.join()
        self.gateway.stop()

    def set_up(self) -> None:
        """Write what the command reads."""
        timeout = 1 if self.rests else 30
        config = CONFIG.format(account=ACCOUNT, port=self.gateway.port, timeout=timeout)
        (self.folder / "config.toml").write_text(config)
        write_target(self.folder, WEIGHTS)

    def inject(self, fault: Fault, after: int) -> None:
        """Let something go wrong after so many occasions."""
        self.gateway.inject(fault, **{"after": after, **FAULTS[fault]})

    def has_ended(self) -> None:
        """Nothing is to be done before the next command."""

    def _quote(self, symbol: str, size: Decimal | None) -> None:
        mid = PRICES[symbol]
        self.gateway.set_quote(
            symbol, mid - HALF_SPREAD, mid + HALF_SPREAD, bid_size=size, ask_size=size
        )

    def _pulse(self) -> None:
        for symbol in PRICES:
            chokes = self.rests and symbol == list(PRICES)[self.seed % ORDERS]
            self._quote(symbol, Decimal(1) if chokes and not self._has_ended(symbol) else SIZE)

    def _has_ended(self, symbol: str) -> bool:
        """Whether an order of ours has."""
        return any(
            order.is_done and order.form.order_ref and order.contract.symbol == symbol
            for order in self.gateway.orders()
        )

    def _flow(self) -> None:
        while not self._is_over.wait(PULSE):
            self._pulse()

    def judged(self, ending: Ending, *, is_faulty: bool) -> list[Violation]:
        """What the judge says."""
        path = self.folder / "audit.jsonl"
        content = path.read_bytes() if path.exists() else b""
        asked = frozenset(Audit.read(content, ACCOUNT).by_order) if is_faulty else frozenset()
        return judge(truth_of(self.gateway, ACCOUNT, START, asked), content, ending)


MATRIX = CrashMatrix(
    child=CHILD,
    make_world=World,
    faults=FAULTS,
    at_once=frozenset(fault for fault in FAULTS if fault.is_setting) | {Fault.LOST_CANCEL},
)


if __name__ == "__main__":
    sys.exit(MATRIX.main(__doc__))
