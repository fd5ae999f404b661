"""Draw the best prices of a symbol with what was traded, from a file of NASDAQ ITCH 5.0.

nanobook itch sample day.itch
python itch_bbo_chart.py day.itch AAPL bbo.png
"""

import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

import nanobook

try:
    FILE, SYMBOL, PICTURE = sys.argv[1:]
except ValueError:
    sys.exit(__doc__)
COLOURS = {b"B": ("tab:green", "bought"), b"S": ("tab:red", "sold"), b"": ("tab:gray", "hidden")}

mpl.use("agg")
tables = nanobook.ItchFeed(FILE, symbols=[SYMBOL]).books(start="09:30", end="16:00")
bbo, trades = tables.bbo, tables.trades
if not len(bbo):
    sys.exit(f"{FILE} has no prices of {SYMBOL} from 09:30 to 16:00")
trades = trades[(trades["type"] != b"B") & (trades["type"] != b"Q")]


def hours(table):
    """Time of day."""
    return table["timestamp"] / 3.6e12


def dollars(prices):
    """Prices to draw; nothing where there is none."""
    return np.where(prices > 0, prices / 1e4, np.nan)


figure, (prices, volume) = plt.subplots(
    2, sharex=True, height_ratios=[3, 1], figsize=(12, 7), layout="constrained"
)
for side, colour in (("bid", "tab:blue"), ("ask", "tab:orange")):
    prices.step(hours(bbo), dollars(bbo[side]), colour, where="post", lw=0.8, label=side)
for aggressor, (colour, label) in COLOURS.items():
    some = trades[trades["side"] == aggressor]
    size = np.sqrt(some["shares"])
    prices.scatter(hours(some), some["price"] / 1e4, size, colour, label=label, alpha=0.7)
prices.set(ylabel="dollars")
prices.set_title(f"{SYMBOL}, {FILE}", loc="right")
prices.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=5, frameon=False)
volume.hist(hours(trades), np.arange(9.5, 16.01, 0.25), weights=trades["shares"], color="tab:gray")
volume.set(ylabel="shares in 15 min", xlabel="hour", xlim=(9.5, 16))
figure.savefig(PICTURE, dpi=110)
print(f"{PICTURE}: {len(bbo):,} changes of the best prices, {len(trades):,} trades")
