"""How much of a price's moves is order flow? Cont, Kukanov and Stoikov (2014), on a feed of ITCH.

    nanobook itch sample day.itch
    python itch_flow.py day.itch AAPL

Changes of the mid over a minute are regressed on the imbalance of order flow in them.
"""

import sys

import numpy as np

import nanobook

try:
    FILE, SYMBOL = sys.argv[1:]
except ValueError:
    sys.exit(__doc__)
SECONDS = 60
TICK = 100  # a cent, in 1/10000 of a dollar

tables = nanobook.ItchFeed(FILE, symbols=[SYMBOL]).books("bbo", start="09:30", end="16:00")
flow = nanobook.order_flow_imbalance(tables.bbo, tables.opening)
is_two_sided = (tables.bbo["bid"] > 0) & (tables.bbo["ask"] > 0)
bbo, flow = tables.bbo[is_two_sided], flow[is_two_sided]

interval = bbo["timestamp"] // (SECONDS * 1_000_000_000)
if not np.unique(interval)[2:].size:
    sys.exit(f"{FILE} has too few prices of {SYMBOL} from 09:30 to 16:00")
last = np.flatnonzero(np.diff(interval, append=interval[-1] + 1))
flows = np.diff(np.cumsum(flow)[last], prepend=0)
mid = (bbo["bid"] + bbo["ask"]) / 2
x, y = flows[1:], np.diff(mid[last]) / TICK
slope, intercept = np.polyfit(x, y, 1)
explained = np.corrcoef(x, y)[0, 1] ** 2
print(f"{SYMBOL}: {len(x):,} intervals of {SECONDS} s, {len(bbo):,} changes")
print(f"move in cents = {intercept:.3f} + {1000 * slope:.3f} x flow in 1000 shares")
print(f"of the variance {explained:.1%} is order flow")
