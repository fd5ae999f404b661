"""What weights may be: bounds, limits of groups, turnover, a target return."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np
from attrs import evolve, field, frozen
from scipy import sparse

from nanobook_core.errors import OptimizationError, ValidationError, shown
from nanobook_core.portfolio.table import Labelled, by_label
from nanobook_optimizers.program import Program, conflict, solve
from nanobook_optimizers.returns import Floats, Returns, mean_of, number

#: One pair for all assets, one for each in their order, or some by symbol.
Bounds: TypeAlias = tuple[float, float] | Sequence[tuple[float, float]] | Mapping[str, Any]
#: The group of each asset, in their order or by symbol.
Groups: TypeAlias = Sequence[str] | Mapping[str, str] | Labelled
#: Lowest and highest weight of a group.
GroupLimits: TypeAlias = Mapping[str, tuple[float, float]]
#: In the order of the assets, or by symbol, those left out being 0.
Current: TypeAlias = Sequence[float] | Mapping[str, float] | Labelled | Floats

_BINDING = 1e-9
_GROUPS = ". Groups map symbol → group, as {'AAPL': 'tech'}"
_T = TypeVar("_T")


@frozen(eq=False, kw_only=True)
class Polytope:
    """All weights of sum 1 that fulfil linear constraints."""

    labels: tuple[str, ...]
    lower: Floats
    upper: Floats
    rows: Floats
    """Of shape `(n_rows, n_assets)`: beside bounds, `row_lower <= rows @ weights <= row_upper`."""
    row_lower: Floats
    row_upper: Floats
    row_names: tuple[str, ...]
    current: Floats | None
    max_turnover: float
    target: Floats | None
    """The means, where the last row is that of a target return."""
    program: Program = field(init=False)
    """Its weights, and with a limit of turnover purchases of each asset behind them."""

    @program.default
    def _made(self) -> Program:
        n_assets = len(self.lower)
        rows = np.vstack([np.ones((1, n_assets)), self.rows])
        names = ("the weights sum to 1", *self.row_names)
        row_lower, row_upper = np.r_[1.0, self.row_lower], np.r_[1.0, self.row_upper]
        if self.current is None:
            return Program(
                rows=sparse.csr_array(rows),
                row_lower=row_lower,
                row_upper=row_upper,
                row_names=names,
                lower=self.lower,
                upper=self.upper,
                cost=np.zeros(n_assets),
            )
        # Traded is 2 * bought - net, and what is bought of an asset is at least its rise.
        bought = (self.max_turnover + 1.0 - float(self.current.sum())) / 2.0
        identity = sparse.eye_array(n_assets)
        turnover = (
            f"max_turnover {self.max_turnover:g} from the current weights, which sum to "
            f"{float(self.current.sum()):g}"
        )
        return Program(
            rows=sparse.csr_array(
                sparse.block_array(
                    [
                        [sparse.csr_array(rows), None],
                        [identity, -identity],
                        [None, sparse.csr_array(np.ones((1, n_assets)))],
                    ]
                )
            ),
            row_lower=np.r_[row_lower, np.full(n_assets + 1, -np.inf)],
            row_upper=np.r_[row_upper, self.current, bought],
            row_names=(*names, *[turnover] * (n_assets + 1)),
            lower=np.r_[self.lower, np.zeros(n_assets)],
            upper=np.r_[self.upper, np.full(n_assets, np.inf)],
            cost=np.zeros(2 * n_assets),
        )

    @property
    def is_simplex(self) -> bool:
        """Whether all that is asked is that weights are not negative."""
        is_free = not len(self.rows) and self.current is None
        return is_free and not self.lower.any() and bool((self.upper >= 1.0).all())

    def least(self, slope: Floats) -> float:
        """Least `slope @ weights` of all weights in here; OptimizationError if there are none."""
        if self.is_simplex:
            return float(slope.min())
        found = self.explained(solve, self.program.with_cost(slope))
        return float(slope @ self.inside(found.values))

    def explained(self, solver: Callable[[Program], _T], program: Program) -> _T:
        """What solves a program that is made of this one, or why there is nothing to solve."""
        try:
            return solver(program)
        except OptimizationError:
            if names := conflict(self.program, self.labels):
                raise OptimizationError(
                    f"no weights fulfil all of: {'; '.join(names)}{self._reach(names)}",
                    "infeasible",
                    names,
                ) from None
            raise

    def _reach(self, names: tuple[str, ...]) -> str:
        """What mean could be reached, where it is one too high that is in conflict."""
        if self.target is None or self.row_names[-1] not in names:
            return ""
        others = evolve(
            self,
            rows=self.rows[:-1],
            row_lower=self.row_lower[:-1],
            row_upper=self.row_upper[:-1],
            row_names=self.row_names[:-1],
            target=None,
        )
        try:
            highest = -others.least(-self.target)
        except OptimizationError:
            return ""  # the others are in conflict by themselves
        return f". The highest mean that the other constraints allow is {highest:.6g} a period"

    def inside(self, values: Floats) -> Floats:
        """The weights of a solution, without what rounding puts outside of their bounds."""
        return np.clip(values[: len(self.lower)], self.lower, self.upper)

    def violation(self, weights: Floats) -> float:
        """By how much the weights miss what they must fulfil, at most."""
        found = [abs(float(weights.sum()) - 1.0), 0.0]
        found += [*(self.lower - weights), *(weights - self.upper)]
        found += [*(self.row_lower - self.rows @ weights), *(self.rows @ weights - self.row_upper)]
        if self.current is not None:
            found.append(float(np.abs(weights - self.current).sum()) - self.max_turnover)
        return float(np.max(found))

    def binding(self, weights: Floats) -> tuple[str, ...]:
        """In words, the constraints that keep the weights from moving on."""
        names = []
        for label, weight, low, high in zip(
            self.labels, weights, self.lower, self.upper, strict=True
        ):
            if weight - low <= _BINDING:
                names.append(f"{label} at least {low:g}")
            elif high - weight <= _BINDING:
                names.append(f"{label} at most {high:g}")
        at = self.rows @ weights
        is_bound = (at - self.row_lower <= _BINDING) | (self.row_upper - at <= _BINDING)
        names += [name for name, bound in zip(self.row_names, is_bound, strict=True) if bound]
        if self.current is not None:
            traded = float(np.abs(weights - self.current).sum())
            if self.max_turnover - traded <= _BINDING:
                names.append(self.program.row_names[-1])
        return tuple(names)


def polytope(
    returns: Returns,
    *,
    bounds: Bounds | None,
    groups: Groups | None,
    group_limits: GroupLimits | None,
    max_turnover: float | None,
    current: Current | None,
    target_return: float | None,
) -> Polytope:
    """Read constraints as users write them.

    Raises:
        TypeError: something that is no number, or has not the form that is asked.
        ValidationError: a bound that is not finite or whose ends are the wrong way round, a symbol
            or a group that is not there, groups without limits or limits without groups, a turnover
            without current weights or the other way round.

    """
    lower, upper = _bounds(returns, bounds)
    rows, lows, highs, names = [], [], [], []
    for name, member, low, high in _groups(returns, groups, group_limits):
        rows.append(member)
        lows.append(low)
        highs.append(high)
        names.append(f"group {name!r} from {low:g} to {high:g}")
    mean = None
    if target_return is not None:
        target = number(target_return, "target_return")
        mean = mean_of(returns.values)
        unit = float(np.abs(mean).max()) or 1.0
        rows.append(mean / unit)
        lows.append(target / unit)
        highs.append(np.inf)
        names.append(f"target_return of at least {target:g} a period")
    start = _current(returns, current)
    if (start is None) is not (max_turnover is None):
        raise ValidationError("max_turnover and current: give both, or neither")
    most = 0.0 if max_turnover is None else number(max_turnover, "max_turnover")
    if most < 0.0:
        raise ValidationError(f"max_turnover: at least 0, got {most}")
    return Polytope(
        labels=returns.labels,
        lower=lower,
        upper=upper,
        rows=np.array(rows, np.float64).reshape(-1, len(lower)),
        row_lower=np.array(lows, np.float64),
        row_upper=np.array(highs, np.float64),
        row_names=tuple(names),
        current=start,
        max_turnover=most,
        target=mean,
    )


def _pair(value: Any, name: str) -> tuple[float, float]:
    if not isinstance(value, tuple | list | np.ndarray) or len(value) != 2:  # noqa: PLR2004
        raise TypeError(f"{name}: a pair (lowest, highest), got {shown(value)}")
    if any(end is None for end in value):
        raise TypeError(
            f"{name}: a pair is (lowest, highest), two numbers; got {shown(value)}. A weight is "
            "at most 1 where there are no shorts: (0.0, 1.0)"
        )
    low, high = (number(end, name) for end in value)
    if low > high:
        raise ValidationError(f"{name}: the lowest, {low:g}, is above the highest, {high:g}")
    return low, high


def _bounds(returns: Returns, bounds: Bounds | None) -> tuple[Floats, Floats]:
    labels = returns.labels
    pairs = [(0.0, 1.0)] * len(labels)
    if isinstance(bounds, Mapping):
        for column, value in _by_column(returns, bounds, "bounds").items():
            pairs[column] = _pair(value, f"bounds of {labels[column]}")
    elif bounds is not None:
        if not isinstance(bounds, Sequence | np.ndarray) or isinstance(bounds, str):
            raise TypeError(
                f"bounds: a pair, one for each asset, or by symbol; got {shown(bounds)}"
            )
        if all(end is None or isinstance(end, int | float | np.number) for end in bounds):
            pairs = [_pair(bounds, "bounds")] * len(labels)
        elif len(bounds) != len(labels):
            raise ValidationError(f"bounds: {len(bounds)} pairs for {len(labels)} assets")
        else:
            pairs = [
                _pair(value, f"bounds of {label}")
                for label, value in zip(labels, bounds, strict=True)
            ]
    lower, upper = np.array(pairs).T
    return lower, upper


def _groups(
    returns: Returns, groups: Any, limits: GroupLimits | None
) -> list[tuple[str, Floats, float, float]]:
    if (groups is None) is not (limits is None):
        raise ValidationError("groups and group_limits: give both, or neither")
    if groups is None or limits is None:
        return []
    n_assets = len(returns.labels)
    groups = by_label(groups, "groups")
    if isinstance(groups, Mapping):
        of_column = _by_column(returns, groups, "groups", _GROUPS)
    elif isinstance(groups, str) or not isinstance(groups, Sequence | np.ndarray):
        raise TypeError(f"groups: one name for each asset, or by symbol; got {shown(groups)}")
    elif len(groups) != n_assets:
        raise ValidationError(f"groups: {len(groups)} names for {n_assets} assets")
    else:
        of_column = dict(enumerate(groups))
    if not isinstance(limits, Mapping):
        raise TypeError(f"group_limits: pairs by group, got {shown(limits)}")
    found = []
    for name, value in limits.items():
        member = np.array([of_column.get(column) == name for column in range(n_assets)], np.float64)
        if not member.any():
            raise ValidationError(f"group_limits: no asset is in group {name!r}")
        found.append((name, member, *_pair(value, f"group_limits of {name!r}")))
    return found


def _current(returns: Returns, current: Any) -> Floats | None:
    if current is None:
        return None
    n_assets = len(returns.labels)
    current = by_label(current, "current")
    if isinstance(current, Mapping):
        given = _by_column(returns, current, "current")
        values = [given.get(column, 0.0) for column in range(n_assets)]
    elif isinstance(current, str) or not isinstance(current, Sequence | np.ndarray):
        raise TypeError(f"current: one weight for each asset, or by symbol; got {shown(current)}")
    else:
        values = list(current)
    if len(values) != n_assets:
        raise ValidationError(f"current: {len(values)} weights for {n_assets} assets")
    return np.array(
        [
            number(value, f"current of {label}")
            for label, value in zip(returns.labels, values, strict=True)
        ]
    )


def _by_column(
    returns: Returns, given: Mapping[str, Any], what: str, hint: str = ""
) -> dict[int, Any]:
    if returns.symbols is None:
        raise ValidationError(f"{what}: by symbol, but the returns have none; give symbols=")
    place = {symbol: column for column, symbol in enumerate(returns.symbols)}
    for symbol in given:
        if symbol not in place:
            raise ValidationError(f"{what}: there is no asset {symbol!r} in the returns{hint}")
    return {place[symbol]: value for symbol, value in given.items()}
