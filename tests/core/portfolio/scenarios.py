"""Simulations with any combination of options, as a hypothesis strategy."""

from fractions import Fraction

import numpy as np
from attrs import astuple, evolve, field, frozen
from hypothesis import strategies as st
from tests.core.portfolio.markets import NAMES

from nanobook_core.contracts import Fills
from nanobook_core.errors import ValidationError
from nanobook_core.portfolio import CostModel, Stops
from nanobook_core.portfolio.bar import BarTable
from nanobook_core.portfolio.carry import Schedule
from nanobook_core.portfolio.limit import Limits
from nanobook_core.portfolio.loop import simulate_tables
from nanobook_core.portfolio.mark import carried
from nanobook_core.portfolio.policy import Constraints


class Parts:
    """Fills a share of each order that depends on period and symbol, in two parts."""

    def fill(self, request):
        order, quantity, price = [], [], []
        for place, (column, lots, at) in enumerate(
            zip(request.column, request.quantity.tolist(), request.price.tolist(), strict=True)
        ):
            side, size = (1, lots) if lots > 0 else (-1, -lots)
            share = (request.period + ord(request.symbols[column])) % 4
            filled = size * share // 3 if share < 3 else size
            first = (filled + 1) // 2
            for part, away in ((first, 0), (filled - first, 1 + at // 100)):
                if part:
                    order.append(place)
                    quantity.append(side * part)
                    price.append(max(at + side * away, 1))
        return Fills(
            order=np.array(order, np.int64),
            quantity=np.array(quantity, np.int64),
            price=np.array(price, np.int64),
        )


@frozen(kw_only=True)
class Scenario:
    """All that a simulation is told, so that it can be told a part of it."""

    weights: np.ndarray = field(repr=lambda table: repr(table.tolist()))
    prices: np.ndarray = field(repr=lambda table: repr(table.tolist()))
    symbols: tuple
    cash: int
    costs: CostModel
    stops: Stops | None
    scale_to_cash: bool
    constraints: Constraints
    fill_model: Parts | None
    fill_at: str
    opens: np.ndarray | None = field(repr=lambda table: repr(table is not None and table.tolist()))
    carry: Schedule | None
    bars: BarTable | None = field(
        repr=lambda table: repr(table and [t.tolist() for t in astuple(table)])
    )

    def run(self):
        n_periods = len(self.prices)
        limits = Limits(
            self.constraints,
            min_order_value=self.constraints.min_order_value,
            max_order_value=self.constraints.max_order_value,
            # Two periods a day, and a month that ends after four.
            dates=np.datetime64("2024-01-30T09", "h") + 12 * np.arange(n_periods),
            n_periods=n_periods,
        )
        return simulate_tables(
            self.weights,
            self.prices,
            symbols=self.symbols,
            initial_cash=self.cash,
            cost_model=self.costs,
            stops=self.stops,
            scale_to_cash=self.scale_to_cash,
            limits=limits,
            fill_model=self.fill_model,
            fill_prices=self.opens,
            fill_at=self.fill_at,
            carry=self.carry,
            bars=self.bars,
        )

    def first(self, n_periods):
        """Return the same without what comes after these periods."""
        carry = self.carry
        if carry is not None:
            carry = evolve(
                carry,
                **{
                    name: {
                        period: what
                        for period, what in getattr(carry, name).items()
                        if period < n_periods
                    }
                    for name in ("dividends", "splits", "deposits", "delistings")
                },
            )
        return evolve(
            self,
            carry=carry,
            weights=self.weights[:n_periods],
            prices=self.prices[:n_periods],
            opens=None if self.opens is None else self.opens[:n_periods],
            bars=self._bars(np.s_[:n_periods]),
        )

    def in_order(self, order):
        """Return the same with its columns in another order."""
        carry = self.carry
        if carry is not None:
            carry = evolve(
                carry,
                **{
                    name: {
                        period: {order.index(column): value for column, value in row.items()}
                        for period, row in getattr(carry, name).items()
                    }
                    for name in ("dividends", "splits", "delistings")
                },
            )
        return evolve(
            self,
            weights=self.weights[:, order],
            prices=self.prices[:, order],
            symbols=tuple(self.symbols[column] for column in order),
            opens=None if self.opens is None else self.opens[:, order],
            carry=carry,
            bars=self._bars(np.s_[:, order]),
        )

    def _bars(self, cells):
        if self.bars is None:
            return None
        return BarTable(
            open=self.bars.open[cells], high=self.bars.high[cells], low=self.bars.low[cells]
        )

    def options(self):
        """Names of all options that are in use."""
        used = {self.fill_at: True, "scale_to_cash": self.scale_to_cash}
        used |= {"fill_model": self.fill_model is not None, "bars": self.bars is not None}
        used |= {"bps": self.costs.commission_bps > 0, "minimum_fee": self.costs.min_trade_fee > 0}
        used |= {"hold": np.isnan(self.weights).any(), "gap": (self.prices == 0).any()}
        used |= {"short": (self.weights < 0).any()}
        used |= {
            f"stop {name}": self.stops is not None and getattr(self.stops, name) > 0
            for name in ("fixed", "trailing", "atr_multiple")
        }
        used |= {name: getattr(self.constraints, name) is not None for name in CONSTRAINTS}
        used |= {
            name: self.carry is not None and bool(getattr(self.carry, name)) for name in CARRIED
        }
        return [name for name, is_used in used.items() if is_used]


CONSTRAINTS = {
    "max_leverage": [0.5, 1.0],
    "no_trade_band": [0.2, 0.6],
    "min_order_value": [50, 5000],
    "max_order_value": [300, 20_000],
    "max_trades_per_period": [0, 1, 2],
    "max_trades_per_day": [1, 3],
    "max_trades_per_month": [2, 6],
    "max_turnover_per_period": [0.0, 0.3, 1.0],
    "max_turnover_per_day": [0.4, 1.2],
    "max_turnover_per_month": [0.7, 3.0],
}
CARRIED = (
    "dividends",
    "splits",
    "cash_rate",
    "debit_rate",
    "borrow_rate",
    "deposits",
    "delistings",
)
#: What every law of all scenarios has to have met.
OPTIONS = (
    *("same", "next", "open", "scale_to_cash", "fill_model", "bars", "bps", "minimum_fee"),
    *("hold", "gap", "short", "stop fixed", "stop trailing", "stop atr_multiple"),
    *CONSTRAINTS,
    *CARRIED,
)

_one_in_four = st.sampled_from([False, False, False, True])


@st.composite
def scenarios(draw, fill_at=("same", "next", "open"), *, is_plain=False):
    """Options are drawn one by one, tables as wholes; `is_plain` leaves carry and models out."""
    n_periods, n_symbols = draw(st.integers(3, 10)), draw(st.integers(1, len(NAMES)))
    # Bought on credit, without limits, until prices crash: so that it comes to ruin.
    is_reckless = not is_plain and draw(st.sampled_from([False, False, True]))
    shape = n_periods, n_symbols
    chance = np.random.default_rng(draw(st.integers(0, 2**62)))
    prices = _prices(chance, shape, draw(st.sampled_from([3, 100, 10_000])))
    if is_reckless:
        crash = int(chance.integers(2, n_periods))
        prices[crash:] = np.maximum(prices[crash:] // 5, 1)
    if draw(st.booleans()):
        prices[chance.random(shape) < 0.15] = 0
    opens = np.maximum(prices + chance.integers(-1, 2, shape) * (prices // 20), 0)
    lowest = 0 if is_reckless else draw(st.sampled_from([0, 0, -96]))
    # Sums of whole 64ths are exact in any order.
    weights = (
        chance.integers(lowest, 97, shape)
        / 64
        * (4.0 if is_reckless else draw(st.sampled_from([0.5, 1.0, 2.0])))
    )
    weights[chance.random(shape) < 0.2] = 0.0
    weights[~np.logical_or.accumulate(prices > 0, axis=0)] = 0.0
    if not is_reckless and draw(st.booleans()):
        weights[chance.random(n_periods) < 0.4] = np.nan
    when = draw(st.sampled_from(fill_at))
    bars = None if is_plain or draw(st.booleans()) else _bars(chance, prices, opens)
    if bars is not None:
        opens = bars.open
    elif draw(st.booleans()):
        # Opens without closes, and closes without opens.
        opens = np.where(chance.random(shape) < 0.2, 0, np.maximum(opens, 1))
    return Scenario(
        weights=weights,
        prices=prices,
        symbols=NAMES[:n_symbols],
        cash=draw(st.sampled_from([700, 99_999, 10**7 + 3])),
        costs=CostModel(draw(st.sampled_from([0, 15, 300])), 0, draw(st.sampled_from([0, 0, 9]))),
        stops=draw(_stops()),
        scale_to_cash=not is_reckless and draw(st.sampled_from([False, True, True])),
        constraints=Constraints() if is_plain or is_reckless else draw(_constraints()),
        fill_model=None if is_plain else draw(st.sampled_from([None, Parts()])),
        fill_at=when,
        opens=opens if when == "open" else None,
        carry=None if is_plain else draw(_schedules(chance, shape, prices)),
        bars=bars,
    )


def _prices(chance, shape, middle):
    steps = chance.choice([0.8, 0.9, 0.97, 1.0, 1.0, 1.03, 1.1, 1.3], shape)
    return np.maximum((middle * np.multiply.accumulate(steps, axis=0)).astype(np.int64), 1)


def _bars(chance, prices, opens):
    wick = 1 + prices // 20
    above, below = chance.integers(0, wick + 1), chance.integers(0, wick + 1)
    is_there = prices > 0
    return BarTable(
        open=opens * is_there,
        high=(np.maximum(prices, opens) + above) * is_there,
        low=np.maximum(np.minimum(prices, opens) - below, 1) * is_there,
    )


@st.composite
def _stops(draw):
    kinds = ("fixed", "trailing", "atr_multiple")
    # Those of atr are reached less often.
    single = [(kind,) for kind in (*kinds, *kinds, "atr_multiple", "atr_multiple")]
    used = draw(st.sampled_from([(), *single, kinds]))
    levels = {
        "fixed": st.sampled_from([0.02, 0.08]),
        "trailing": st.sampled_from([0.03, 0.1]),
        "atr_multiple": st.sampled_from([0.3, 1.0]),
    }
    drawn = {kind: draw(levels[kind]) for kind in used}
    return Stops(**drawn, atr_period=draw(st.sampled_from([1, 2, 14]))) if used else None


@st.composite
def _constraints(draw):
    return Constraints(
        **{
            name: draw(st.sampled_from(values))
            for name, values in CONSTRAINTS.items()
            if draw(_one_in_four)
        }
    )


@st.composite
def _schedules(draw, chance, shape, prices):
    if draw(_one_in_four):
        return None

    def cells(values, share):
        found = {}
        if draw(st.booleans()):
            for period, column in np.argwhere(chance.random(shape) < share).tolist():
                value = values[int(chance.integers(len(values)))]
                found.setdefault(period, {})[column] = value
        return found

    def rate(*values):
        return draw(st.sampled_from([Fraction(0), *values]))

    delistings = {}
    if draw(st.booleans()):
        period, column = (int(chance.integers(size)) for size in shape)
        delistings = {period: {column: int(prices[period, column])}}
    return Schedule(
        dividends=cells([Fraction(1), Fraction(7, 3)], 0.2),
        splits=_exact(cells([Fraction(2), Fraction(3, 2), Fraction(1, 3)], 0.1), prices),
        cash_rate=rate(Fraction(1, 100), Fraction(-1, 300)),
        debit_rate=rate(Fraction(1, 30)),
        borrow_rate=rate(Fraction(1, 70)),
        deposits=(
            {
                int(period): int(chance.integers(-500, 900))
                for period in chance.integers(shape[0], size=2)
            }
            if draw(st.booleans())
            else {}
        ),
        delistings=delistings,
    )


def _exact(splits, prices):
    """Leave out the splits over which a price cannot be carried to within a basis point."""
    kept = {}
    for period in sorted(splits):
        for column, ratio in splits[period].items():
            try:
                more = {column: ratio} | kept.get(period, {})
                carried(prices, kept | {period: more}, NAMES)
            except ValidationError:
                continue
            kept[period] = more
    return kept
