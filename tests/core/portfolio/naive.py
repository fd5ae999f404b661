"""A simulator as simple as can be, to compare with: symbol by symbol, in Python ints."""

import math
from fractions import Fraction
from typing import NamedTuple

INT64_MAX = 2**63 - 1


class NaiveRun(NamedTuple):
    equity: list
    cash: list
    quantities: list
    trades: list
    """Period, column, quantity, price, cost, reason."""
    cuts: list
    """Period, column, quantity, reason."""
    stops: list
    """Period, column, level, quantity, reason."""
    ruined_at: int | None


def naive(  # noqa: C901, PLR0912, PLR0915 - naive on purpose
    weights,
    prices,
    *,
    initial_cash,
    cost_bps=0,
    minimum_fee=0,
    fixed=0.0,
    trailing=0.0,
    atr_multiple=0.0,
    atr_period=14,
    scale_to_cash=False,
):
    """Hold weights, `nan` all along a row to trade nothing, on prices, 0 where there is none."""
    columns = range(len(prices[0])) if prices else range(0)
    cash, held, last = initial_cash, [0 for _ in columns], [0 for _ in columns]
    # Of each open position, all prices since its entry, and its side.
    seen, sides = [[] for _ in columns], [0 for _ in columns]
    run = NaiveRun([initial_cash], [], [], [], [], [], None)
    ruined_at = None

    def cost(lots, price):
        proportional = abs(lots * price) * cost_bps // 10_000
        return min(max(proportional, minimum_fee), INT64_MAX) if lots else 0

    def spend(lots):
        return sum(lots[c] * last[c] + cost(lots[c], last[c]) for c in columns)

    for period, now in enumerate(prices):
        last = [now[c] or last[c] for c in columns]
        before = cash + sum(held[c] * last[c] for c in columns)
        if before <= 0 and ruined_at is None:
            ruined_at = period
        if ruined_at is None:
            if columns and not math.isnan(weights[period][0]):
                wanted = []
                for c in columns:
                    difference = int(float(before) * weights[period][c]) - held[c] * last[c]
                    wanted.append(math.trunc(Fraction(difference, last[c] or 1)))
                for c in columns:
                    if not now[c] and wanted[c]:
                        lost = max(-INT64_MAX, min(wanted[c], INT64_MAX))
                        run.cuts.append((period, c, lost, "no_price"))
                lots = [wanted[c] if now[c] else 0 for c in columns]
                if any(max(abs(lots[c]), abs(held[c] + lots[c])) > INT64_MAX for c in columns):
                    raise OverflowError
                if scale_to_cash and spend(lots) > cash:
                    opening = [max(lots[c] - max(-held[c], 0), 0) for c in columns]
                    rest = [lots[c] - opening[c] for c in columns]
                    base = spend(rest)
                    factor = affordable(opening, rest, base, cash - base, spend)
                    for c in columns:
                        fewer = rest[c] + opening[c] * factor // 2**32
                        if fewer != lots[c]:
                            run.cuts.append((period, c, lots[c] - fewer, "cash"))
                        lots[c] = fewer
                for c in columns:
                    if lots[c]:
                        price = last[c]
                        charged = cost(lots[c], price)
                        run.trades.append((period, c, lots[c], price, charged, "rebalance"))
                        cash -= lots[c] * price + charged
                        held[c] += lots[c]
            for c in columns:
                if not now[c]:
                    continue
                side = (held[c] > 0) - (held[c] < 0)
                if side != sides[c]:
                    sides[c], seen[c] = side, []
                seen[c].append(now[c])
                found = breached(
                    seen[c],
                    side,
                    fixed=fixed,
                    trailing=trailing,
                    atr_multiple=atr_multiple,
                    atr_period=atr_period,
                )
                if side and found:
                    level, reason = found
                    charged = cost(held[c], now[c])
                    run.trades.append((period, c, -held[c], now[c], charged, reason))
                    run.stops.append((period, c, level, -held[c], reason))
                    cash -= -held[c] * now[c] + charged
                    held[c] = sides[c] = 0
        after = cash + sum(held[c] * last[c] for c in columns)
        if after <= 0 and ruined_at is None:
            ruined_at = period
        run.equity.append(after)
        run.cash.append(cash)
        run.quantities.append(list(held))
    return run._replace(ruined_at=ruined_at)


def affordable(opening, rest, base, available, spend):
    """Return the share of the opening lots that cash pays for, in parts of 2^32."""
    factor = 2**32
    for step in range(33):
        scaled = [fixed + lots * factor // 2**32 for fixed, lots in zip(rest, opening, strict=True)]
        spent = spend(scaled) - base
        if spent <= available or factor == 0:
            break
        if available <= 0:
            factor = 0
        elif step == 0:
            factor = math.ceil(Fraction(factor * available, spent))
        else:
            factor = max(0, factor * available // spent - factor // 2 ** (32 - step))
    return factor


def breached(prices, side, *, fixed, trailing, atr_multiple, atr_period):
    """Return level and reason of the stop that closes a position with these prices, or None."""
    best = max(prices) if side > 0 else min(prices)
    levels = []
    if fixed:
        levels.append((float(prices[0]) * (1 - side * fixed), "fixed"))
    if trailing:
        levels.append((float(best) * (1 - side * trailing), "trailing"))
    changes = [abs(prices[i] - prices[i - 1]) for i in range(1, len(prices))]
    latest = changes[-atr_period:]
    if atr_multiple and any(latest):
        distance = atr_multiple * (float(sum(latest)) / len(latest))
        levels.append((float(best) - side * distance, "atr"))
    rounded = [(rounded_level(level), reason) for level, reason in levels]
    nearest = None
    for level, reason in rounded:
        # Of equal levels the last counts for a long position, the first for a short one.
        if nearest is None or (level >= nearest[0] if side > 0 else level < nearest[0]):
            nearest = level, reason
    if nearest is None:
        return None
    is_breached = prices[-1] <= nearest[0] if side > 0 else prices[-1] >= nearest[0]
    return nearest if is_breached else None


def rounded_level(level):
    """Return the level in whole units of at least 1, halves away from zero, at most 2^63-1."""
    if level >= 2.0**63:
        return INT64_MAX
    return max(1, math.floor(Fraction(max(level, 0.0)) + Fraction(1, 2)))
