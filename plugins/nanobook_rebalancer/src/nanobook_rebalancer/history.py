"""What an audit log says happened: runs, windows, orders and their fills. Nothing is asked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Protocol, Self

from attrs import define, field, frozen

from nanobook_core.errors import ValidationError
from nanobook_core.types import Side
from nanobook_rebalancer.holdings import Holdings
from nanobook_rebalancer.leg_state import LegState

_OF_WINDOWS = frozenset(
    {"positions_fetched", "diff_computed", "user_confirmed", "order_intent", "run_completed"}
)


class Record(Protocol):
    """What of an audit record is read here."""

    @property
    def seq(self) -> int:
        """Rises from record to record."""
        ...

    @property
    def ts_wall(self) -> str:
        """Time of day in UTC."""
        ...

    @property
    def run(self) -> str:
        """One start of the program."""
        ...

    @property
    def event(self) -> str:
        """What happened."""
        ...

    @property
    def data(self) -> Mapping[str, Any]:
        """Its particulars."""
        ...


def digest(*parts: str) -> str:
    """Tell accounts and windows apart without writing them down whole."""
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


@frozen(kw_only=True)
class Execution:
    """A fill as it was recorded."""

    shares: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str


@define(kw_only=True)
class Attempt:
    """One order: one intent, one client order id."""

    client_order_id: str
    leg: int
    number: int
    symbol: str
    action: str
    side: Side
    shares: Decimal
    """Never more than this may fill."""
    limit: Decimal
    sent_at: str
    """When it was last written down that it will be sent."""
    holdings: Holdings = field(factory=Holdings, repr=False)
    """What its fills change."""
    currency: str = ""
    """In which fees change money and not holdings."""
    state: LegState = LegState.INTENT
    is_done: bool = False
    """Whether it is settled; an order that was not sent and is not done may be sent again."""
    order_id: int | None = None
    fills: dict[str, Execution] = field(factory=dict)
    """By execution id."""
    corrected: set[str] = field(factory=set)
    """Executions that the venue has replaced by others."""
    reason: str = ""

    @property
    def filled(self) -> Decimal:
        """Sum of its fills; a fill after a cancel counts too."""
        return sum((fill.shares for fill in self.fills.values()), Decimal(0))


@define(kw_only=True)
class Window:
    """Everything that was done for one target in one account."""

    account: str
    """A digest of its id."""
    name: str = ""
    run: str = ""
    """The last run for it."""
    started_at: str = ""
    """When that began."""
    status: str = ""
    """How that ended; empty while it is under way, and where it died."""
    plan: Mapping[str, Any] | None = None
    """What is being done, as it was written down; None before there is a plan."""
    last_leg: int = 0
    """Highest number of a leg so far, over all plans."""
    leg_before: int = 0
    """What that was before the last plan, whose numbers are free again if it is not executed."""
    targets: list[Mapping[str, str]] | None = None
    """Weights that are being executed, or were."""
    approved: bool = False
    """Whether a person has said yes to the plan."""
    attempts: list[Attempt] = field(factory=list)

    def attempts_of(self, leg: int) -> list[Attempt]:
        """Orders of one leg, the oldest first."""
        return [attempt for attempt in self.attempts if attempt.leg == leg]

    def filled(self, leg: int) -> Decimal:
        """How much of a leg has been traded."""
        return sum((attempt.filled for attempt in self.attempts_of(leg)), Decimal(0))

    @property
    def unresolved(self) -> list[Attempt]:
        """Orders of which it is not known how they ended."""
        return [attempt for attempt in self.attempts if not attempt.state.is_terminal]

    @property
    def has_sent_nothing(self) -> bool:
        """Whether no order of the plan may have been sent."""
        legs = () if self.plan is None else self.plan["legs"]
        return not any(self.attempts_of(leg["number"]) for leg in legs)

    @property
    def is_left_open(self) -> bool:
        """Whether a run died over its plan."""
        return self.plan is not None and not self.status


@define(kw_only=True)
class Run:
    """One start of the program for a window."""

    window: Window
    is_dry: bool
    """It sends nothing, and nothing of it counts."""


@define
class History:
    """The state after any number of records; the same ones in the same order give the same."""

    seq: int = 0
    """Of the last record; what is not newer is a duplicate and changes nothing."""
    names: set[str] = field(factory=set)
    """Of all runs, those too that were for no window."""
    runs: dict[str, Run] = field(factory=dict)
    windows: dict[str, Window] = field(factory=dict)
    """By digest of account and name."""
    attempts: dict[str, Attempt] = field(factory=dict)
    """By client order id."""
    equity: dict[str, list[tuple[str, Decimal]]] = field(factory=dict)
    """By digest of the account: when it was looked at, and what it was."""
    holdings: dict[str, Holdings] = field(factory=dict)
    """By digest of the account."""

    @classmethod
    def fold(cls, records: Iterable[Record]) -> Self:
        """Return what the records say together.

        Raises:
            ValidationError: one lacks what its event has, so that it is not of this version.

        """
        history = cls()
        for record in records:
            history.apply(record)
        return history

    def apply(self, record: Record) -> None:
        """Take one record in. Events that are not about state change nothing.

        Raises:
            ValidationError: as `fold`.

        """
        if record.seq <= self.seq:
            return
        try:
            self._apply(record)
        except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
            raise ValidationError(
                f"record {record.seq}, {record.event}: {type(error).__name__}: {error}"
            ) from error
        self.seq = record.seq

    def window(self, account_id: str, name: str) -> Window:
        """What was done in one; a new one where nothing was."""
        return self._window(digest(account_id), digest(account_id, name))

    def holdings_of(self, account: str) -> Holdings:
        """What an account, given by its digest, must hold."""
        return self.holdings.setdefault(account, Holdings())

    def _window(self, account: str, key: str) -> Window:
        return self.windows.setdefault(key, Window(account=account))

    def _apply(self, record: Record) -> None:
        self.names.add(record.run)
        data = record.data
        if record.event == "run_started":
            window = self._window(data["account_digest"], data["window_digest"])
            self.runs[record.run] = Run(window=window, is_dry=data["dry_run"])
            if not data["dry_run"]:
                _start(window, record.run, data["target"])
                window.name, window.started_at = data["window"], record.ts_wall
            return
        run = self.runs.get(record.run)
        if run is not None and run.is_dry:
            return
        if record.event == "recovered":
            self.runs[data["run"]].window.status = data["status"]
        elif run is not None and record.event in _OF_WINDOWS:
            self._advance_window(run.window, record)
        elif (attempt := self.attempts.get(data.get("client_order_id", ""))) is not None:
            _advance(attempt, record.event, data)

    def _advance_window(self, window: Window, record: Record) -> None:
        data = record.data
        match record.event:
            case "positions_fetched":
                seen = self.equity.setdefault(window.account, [])
                seen.append((record.ts_wall, Decimal(data["equity"])))
                self.holdings_of(window.account).see(_positions(data), is_accepted=data["accepted"])
            case "diff_computed":
                window.plan, window.approved = data["plan"], False
                numbers = [leg["number"] for leg in data["plan"]["legs"]]
                window.leg_before = window.last_leg
                window.last_leg = max([window.last_leg, *numbers])
            case "user_confirmed":
                window.approved = data["approved"]
            case "order_intent":
                self._intend(window, record)
            case "run_completed":
                # After an error nothing is known to have ended: the next run recovers.
                window.status = "" if data["status"] == "error" else data["status"]
                if data["positions"] is not None:
                    self.holdings_of(window.account).see(_positions(data))
                if window.status == "declined" and window.has_sent_nothing:
                    window.last_leg = window.leg_before

    def _intend(self, window: Window, record: Record) -> None:
        data = record.data
        known = self.attempts.get(data["client_order_id"])
        if known is not None:  # it is sent again, under the same id
            known.sent_at = record.ts_wall
            if known.state in (LegState.NOT_SENT, LegState.UNKNOWN):
                known.state, known.is_done = LegState.INTENT, False
            return
        attempt = Attempt(
            client_order_id=data["client_order_id"],
            leg=data["leg"],
            number=data["attempt"],
            symbol=data["symbol"],
            action=data["action"],
            side=Side(data["side"]),
            shares=Decimal(data["shares"]),
            limit=Decimal(data["limit"]),
            holdings=self.holdings_of(window.account),
            currency=(window.plan or {"currency": ""})["currency"],
            sent_at=record.ts_wall,
        )
        attempt.holdings.trade(attempt.symbol, Decimal(0))
        self.attempts[attempt.client_order_id] = attempt
        window.attempts.append(attempt)


def _positions(data: Mapping[str, Any]) -> dict[str, Decimal]:
    return {held["symbol"]: Decimal(held["qty"]) for held in data["positions"]}


def _start(window: Window, run: str, targets: list[Mapping[str, str]]) -> None:
    if window.status:  # that plan is history; an open one is gone on with
        window.plan, window.approved = None, False
    if window.plan is None:
        window.targets = targets
    window.run, window.status = run, ""


def _advance(attempt: Attempt, event: str, data: Mapping[str, Any]) -> None:
    """Move an order on. What has ended stays so, but for a fill, which always counts."""
    match event:
        case "order_filled":
            _fill(attempt, data)
        case "order_done":
            attempt.state, attempt.reason = LegState(data["state"]), data["reason"]
            attempt.is_done = True
        case "order_submitted":
            attempt.order_id = data["order_id"]
            if attempt.state in (LegState.INTENT, LegState.UNKNOWN, LegState.NOT_SENT):
                attempt.state, attempt.is_done = LegState.ACKED, False
        case _ if attempt.state.is_terminal:
            pass
        case "order_unknown":
            attempt.state, attempt.reason = LegState.UNKNOWN, data["error"]
        case "order_not_sent":
            attempt.state, attempt.reason = LegState.NOT_SENT, data["error"]
        case "cancel_intent":
            attempt.state = LegState.CANCEL_INTENT
        case "cancel_result":
            attempt.state = LegState.CANCEL_SENT


def _fill(attempt: Attempt, data: Mapping[str, Any]) -> None:
    before = attempt.filled
    if "corrects" in data:
        attempt.corrected.add(data["corrects"])
        attempt.fills.pop(data["corrects"], None)
    fee, currency = Decimal(data["fee"]), data["fee_currency"]
    attempt.fills[data["exec_id"]] = Execution(
        shares=Decimal(data["shares"]),
        price=Decimal(data["price"]),
        fee=fee,
        fee_currency=currency,
    )
    traded = attempt.filled - before
    attempt.holdings.trade(attempt.symbol, traded if attempt.side is Side.BUY else -traded)
    if currency not in ("", attempt.currency) and traded and fee.is_finite():
        attempt.holdings.charge(currency, fee)
    if attempt.state.is_terminal:
        if attempt.filled >= attempt.shares:
            attempt.state = LegState.FILLED  # it wins over a cancel
    elif not attempt.state.is_cancelling:
        attempt.state = LegState.PARTIAL
