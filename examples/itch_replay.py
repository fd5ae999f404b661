"""Trade against a recorded market: the book of a feed in an exchange, and an order of one's own.

nanobook itch sample day.itch
python itch_replay.py day.itch AAPL 10:30
"""

import sys

import nanobook

try:
    FILE, SYMBOL, TIME = sys.argv[1:]
except ValueError:
    sys.exit(__doc__)

market = nanobook.MultiExchange()
nanobook.replay_into(market, FILE, symbols=[SYMBOL], until=TIME)
exchange = market.get_or_create(SYMBOL)
bid, ask = exchange.best_bid_ask()
if bid is None or ask is None:
    sys.exit(f"{SYMBOL} has no bid or no ask at {TIME}")
print(f"{SYMBOL} at {TIME}: {bid / 1e4:.2f} / {ask / 1e4:.2f}")

for shares in (100, 1000, 5000):
    copy = nanobook.Exchange.replay(exchange.events())
    result = copy.submit_market("buy", shares)
    paid = sum(trade.price * trade.quantity for trade in result.trades)
    if result.filled_quantity:
        cost = paid / result.filled_quantity - ask
        print(f"{result.filled_quantity:,} bought for {cost / 100:.2f} cents more than the ask")
