"""The gate: every check, in a fixed order, on every request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Never

from nanobook_core.contracts import (
    Account,
    Clock,
    RiskCheck,
    RiskRequest,
    RiskResult,
    RiskStatus,
    SystemClock,
)
from nanobook_core.errors import shown
from nanobook_core.plugin.discovery import described
from nanobook_core.plugin.registry import Registry, default_registry
from nanobook_core.risk.book import shared_book
from nanobook_core.risk.installed_check import LIMITS, further, refuse_unknown, required
from nanobook_core.risk.limit import not_negative
from nanobook_core.risk.report import RiskChecks, RiskReport
from nanobook_core.risk.request import (
    Pairs,
    from_cents,
    read_order,
    read_orders,
    read_positions,
    read_prices,
    read_weights,
)
from nanobook_core.types import Side

#: Those that answer for a single order, as the seed lists them.
_ORDER = ("max_order_value", "max_position", "max_trade", "short_exposure", "drawdown")
#: Whose findings the seed lists of a batch only when they are not fine.
_SILENT = frozenset({"max_order_value", "max_batch_value", "max_trade"})
_UNKNOWN = Decimal("NaN")


class RiskEngine:
    """Judges orders before they are sent, by the seed's limits and by further checks.

    Limits are inclusive; amounts are exact and never wrap. What cannot be judged fails: a price
    that is missing or not above 0, equity that is not above 0, NaN, and an exception in a check. An
    order that only makes a position smaller, open orders counted, passes the checks of exposure,
    short positions and drawdown whatever else is wrong: an exit is never trapped.

    `max_order_value_cents` and `max_batch_value_cents` of 0 are no caps. `min_trade_usd` is kept
    for who plans trades; no check looks at it. `checks` are further ones by name, with their
    settings: `{"price_collar": {"max_pct": 0.05}}`; those of any installed plugin.

    Raises:
        TypeError: a limit or a setting of a check is of the wrong type, or there is no such; the
            text names the nearest.
        ValidationError: one is out of range; a ValueError.
        PolicyError: nanobook-risk, which has the seed's checks, is missing, blocked or broken.
        CapabilityNotFoundError: there is no such further check.

    """

    def __init__(  # noqa: PLR0917 - the seed's signature
        self,
        max_position_pct: float | Decimal = 0.25,
        max_leverage: float | Decimal = 1.5,
        max_drawdown_pct: float | Decimal = 0.20,
        allow_short: bool = True,  # noqa: FBT001, FBT002 - the seed's signature
        max_short_pct: float | Decimal = 0.30,
        max_trade_usd: float | Decimal = 100_000.0,
        max_order_value_cents: int = 10_000_000,
        max_batch_value_cents: int = 100_000_000,
        *,
        min_trade_usd: float | Decimal = 100.0,
        checks: Mapping[str, Mapping[str, Any]] | None = None,
        registry: Registry | None = None,
        clock: Clock | None = None,
        **unknown: Never,
    ) -> None:
        limits = {
            "max_position_pct": max_position_pct,
            "max_leverage": max_leverage,
            "max_drawdown_pct": max_drawdown_pct,
            "allow_short": allow_short,
            "max_short_pct": max_short_pct,
            "min_trade_usd": min_trade_usd,
            "max_order_value_cents": max_order_value_cents,
            "max_batch_value_cents": max_batch_value_cents,
            "max_trade_usd": max_trade_usd,
        }
        refuse_unknown("RiskEngine", "limit", unknown, (*limits, "checks", "registry", "clock"))
        registry = default_registry() if registry is None else registry
        self._clock: Clock = SystemClock() if clock is None else clock

        def make(*names: str) -> dict[str, RiskCheck]:
            return {
                name: required(registry, name, {key: limits[key] for key in LIMITS[name]})
                for name in names
            }

        # In the seed's order, so that of several wrong limits the same one is reported.
        made = make("max_position", "leverage", "drawdown", "short_exposure")
        not_negative("min_trade_usd", min_trade_usd)
        made |= make("max_order_value", "max_batch_value", "max_trade")
        made |= make("order_count", "weight_allocation")
        self._further = further(registry, checks)
        self._all = {name: made[name] for name in LIMITS} | self._further
        self.limits: Mapping[str, Any] = MappingProxyType(limits)
        """The seed's limits, as they were given."""

    @property
    def checks(self) -> tuple[str, ...]:
        """Names of all checks, in the order in which `evaluate` asks them."""
        return tuple(self._all)

    def evaluate(self, request: RiskRequest) -> RiskReport:
        """Every check's findings; it answers any request, and never with an exception."""
        return RiskReport(tuple(result for _, result in self._ask(self._all, request)))

    def check_order(  # noqa: PLR0917 - the seed's signature
        self,
        symbol: str,
        side: Side | str,
        quantity: int,
        price_cents: int,
        equity_cents: int,
        positions: Pairs,
        *,
        prices: Pairs | None = None,
        peak_equity_cents: int | None = None,
    ) -> RiskChecks:
        """The seed's answer for one order, and that of the further checks.

        `positions` are (symbol, quantity); the first of a symbol counts. `prices` are (symbol,
        cents) of what is held, for further checks that value it. `Short selling` is there only when
        it fails, `Max drawdown` only with a peak equity.

        Raises:
            TypeError, ValidationError, OverflowError: an argument is none; nothing was judged.

        """
        request = self._request(
            (read_order(symbol, side, quantity, price_cents),),
            equity_cents,
            read_positions(positions, last_wins=False),
            prices,
            peak_equity_cents=peak_equity_cents,
        )
        silent = set()
        if self.limits["allow_short"]:
            silent.add("short_exposure")
        if peak_equity_cents is None:
            silent.add("drawdown")
        asked = {name: self._all[name] for name in _ORDER if name not in silent}
        return RiskChecks(
            result
            for name, result in self._ask(asked | self._further, request)
            if not (name == "short_exposure" and result.name == "Short exposure")
        )

    def check_batch(
        self,
        orders: Iterable[tuple[str, Side | str, int, int]],
        equity_cents: int,
        positions: Pairs,
        target_weights: Pairs,
        prices: Pairs | None = None,
        *,
        peak_equity_cents: int | None = None,
    ) -> RiskChecks:
        """The seed's answer for a rebalance, and that of the further checks.

        `orders` are (symbol, side, quantity, price in cents). `positions` are (symbol, quantity);
        the last of a symbol counts. A position is valued at its price in `prices`, (symbol, cents),
        or without one at the price ordered at; where there is neither, orders that do more than
        reduce fail.

        Raises:
            TypeError, ValidationError, OverflowError: an argument is none; nothing was judged.

        """
        request = self._request(
            read_orders(orders),
            equity_cents,
            read_positions(positions, last_wins=True),
            prices,
            peak_equity_cents=peak_equity_cents,
            targets=read_weights(target_weights),
        )
        silent = {"drawdown"} if peak_equity_cents is None else set()
        asked = {name: check for name, check in self._all.items() if name not in silent}
        return RiskChecks(
            result
            for name, result in self._ask(asked, request)
            if not (name in _SILENT and result.status is RiskStatus.PASS)
        )

    def _request(
        self,
        orders: tuple[Any, ...],
        equity_cents: int,
        positions: dict[str, Decimal],
        prices: Pairs | None,
        *,
        peak_equity_cents: int | None,
        targets: dict[str, float] | None = None,
    ) -> RiskRequest:
        equity = from_cents(equity_cents, "equity_cents")
        return RiskRequest(
            orders=orders,
            account=Account(equity=equity, cash=_UNKNOWN, buying_power=_UNKNOWN),
            now=self._clock.now(),
            monotonic=self._clock.monotonic(),
            positions=positions,
            marks=read_prices(prices),
            targets=targets,
            peak_equity=None
            if peak_equity_cents is None
            else from_cents(peak_equity_cents, "peak_equity_cents"),
        )

    def _ask(
        self, checks: Mapping[str, RiskCheck], request: RiskRequest
    ) -> list[tuple[str, RiskResult]]:
        with shared_book(request):
            return [
                (name, result)
                for name, check in checks.items()
                for result in _asked(name, check, request)
            ]


def _asked(name: str, check: RiskCheck, request: RiskRequest) -> tuple[RiskResult, ...]:
    try:
        found = check.evaluate(request)
    except Exception as error:  # noqa: BLE001 - a check may be anyone's; what it cannot judge fails
        return (_fail(name, f"{name} failed: {described(error)}"),)
    if not (isinstance(found, tuple) and found and all(map(_is_finding, found))):
        return (_fail(name, f"{name} gave no findings but {shown(found)}"),)
    return found


def _is_finding(found: object) -> bool:
    return isinstance(found, RiskResult) and isinstance(found.status, RiskStatus)


def _fail(name: str, detail: str) -> RiskResult:
    return RiskResult(name=name, status=RiskStatus.FAIL, detail=" ".join(detail.split()))
