"""A paper account, targets and a clock that stands still; and what can go wrong between them."""

import datetime as dt
import json
from collections import defaultdict, deque
from decimal import Decimal

from nanobook_core.broker import PaperBroker
from nanobook_core.contracts import OutcomeUnknownError
from nanobook_core.lob.file_layer import FileLayer
from nanobook_rebalancer.config_file import to_config
from nanobook_rebalancer.options import Options
from nanobook_rebalancer.run import Rebalancer
from nanobook_rebalancer.screen import Screen

START = dt.datetime(2026, 3, 2, 15, 0, tzinfo=dt.UTC)
FORCE = Options(force=True)


class CrashError(BaseException):
    """The process is gone."""


class StandingClock:
    """Time passes only where somebody waits."""

    def __init__(self):
        self.elapsed = 0.0
        self.due = []

    def now(self):
        return START + dt.timedelta(seconds=self.elapsed)

    def monotonic(self):
        return 1000.0 + self.elapsed

    def sleep(self, seconds):
        self.elapsed += seconds
        for each in [each for each in self.due if each[0] <= self.elapsed]:
            self.due.remove(each)
            each[1]()

    def after(self, seconds, action):
        self.due.append((self.elapsed + seconds, action))


class FaultyBroker(PaperBroker):
    """A paper broker whose requests go wrong as they are told to, one after the other.

    A fault is an exception, which comes instead of the request; `"answerless"`, the request is done
    and there is no answer; or a function, which is called before it.
    """

    def __init__(self, **settings):
        super().__init__(**settings)
        self.faults = defaultdict(deque)
        self.calls = []

    def count(self, name):
        return sum(call == name for call in self.calls)

    def _asked(self, name, request):
        self.calls.append(name)
        fault = self.faults[name].popleft() if self.faults[name] else None
        if isinstance(fault, BaseException):
            raise fault
        if callable(fault):
            fault()
        answer = request()
        if fault == "answerless":
            raise OutcomeUnknownError("no answer")
        return answer

    def connect(self, timeout=None):
        return self._asked("connect", lambda: super(FaultyBroker, self).connect(timeout))

    def submit_order(self, *args, **kwargs):
        return self._asked(
            "submit_order", lambda: super(FaultyBroker, self).submit_order(*args, **kwargs)
        )

    def cancel_order(self, order):
        return self._asked("cancel_order", lambda: super(FaultyBroker, self).cancel_order(order))

    def order_status(self, order):
        return self._asked("order_status", lambda: super(FaultyBroker, self).order_status(order))

    def find_order(self, client_order_id, symbol=None):
        return self._asked(
            "find_order", lambda: super(FaultyBroker, self).find_order(client_order_id, symbol)
        )

    def fills(self, since=None, symbol=None):
        return self._asked("fills", lambda: super(FaultyBroker, self).fills(since, symbol))


class CrashingFiles(FileLayer):
    """The process dies after a certain write to disk."""

    def __init__(self, at=None):
        self.at, self.count = at, 0

    def fsync(self, descriptor):
        super().fsync(descriptor)
        self.count += 1
        if self.count == self.at:
            raise CrashError


class Recorder(Screen):
    """Answers as it is told to, and keeps what it was shown."""

    def __init__(self, *, answer=True):
        self.answer = answer
        self.asked = 0
        self.notes = []

    def confirm(self):
        self.asked += 1
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    def note(self, text):
        self.notes.append(text)


class World:
    """One folder, one account at one venue, and as many processes as are started."""

    def __init__(self, folder, **settings):
        self.folder = folder
        self.clock = StandingClock()
        self.quotes = {
            "AAA": (Decimal("99.95"), Decimal("100.05")),
            "BBB": (Decimal("49.95"), Decimal("50.05")),
            "CCC": (Decimal("199.90"), Decimal("200.10")),
        }
        self.settings = settings
        self.broker = self.new_broker()
        self.execution = {"order_timeout_secs": 30, "order_interval_ms": 0}
        self.account = None
        self.risk = {
            "max_trade_usd": 1_000_000,
            "max_position_pct": 1.0,
            "max_leverage": 2.0,
            "max_short_pct": 1.0,
        }

    def new_broker(self, kind=FaultyBroker, **further):
        """A session of its own at the same venue."""
        settings = {"state": self.folder / "paper.sqlite", "quotes": self.quotes, "cash": 100_000}
        return kind(clock=self.clock, **settings | self.settings | further)

    def target(self, weights, window="w1", name="target.json"):
        path = self.folder / name
        path.write_text(
            json.dumps(
                {
                    "timestamp": START.isoformat(),
                    "metadata": {"id": window},
                    "targets": [{"symbol": s, "weight": w} for s, w in weights.items()],
                    "allow_flatten": True,
                }
            )
        )
        return path

    def rebalancer(self, **settings):
        config = to_config(
            {
                "execution": self.execution,
                "risk": self.risk,
                "logging": {"dir": "logs"},
                **({} if self.account is None else {"account": self.account}),
            },
            folder=self.folder,
        )
        return Rebalancer(config=config, broker=self.broker, clock=self.clock, **settings)

    def run(self, weights, options=FORCE, *, window="w1", **settings):
        """Start the program once, to its end."""
        return self.rebalancer(**settings).run_file(self.target(weights, window), options)

    def crash(self, weights, **settings):
        """Start it, and have it die; its session at the venue is gone with it."""
        try:
            self.run(weights, **settings)
        except CrashError:
            self.broker.disconnect()
            self.broker = self.new_broker()
            return True
        return False

    @property
    def audit(self):
        path = self.folder / "logs" / "audit.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]

    @property
    def events(self):
        return [record["event"] for record in self.audit]

    def data(self, event):
        return [record["data"] for record in self.audit if record["event"] == event]

    def held(self):
        """What the venue says is held, asked over a session of its own."""
        self.broker.disconnect()
        with self.new_broker(PaperBroker) as broker:
            return {each.symbol: each.quantity for each in broker.positions()}

    def orders(self):
        """Every order that the venue ever had: id, symbol, side, quantity, state."""
        self.broker.disconnect()
        with self.new_broker(PaperBroker) as broker:
            ids = dict.fromkeys(each["client_order_id"] for each in self.data("order_intent"))
            return [found for each in ids if (found := broker.find_order(each)) is not None]
