"""An order at Binance's testnet, or at the simulated exchange, from question to position.

The keys are those of the variables BINANCE_API_KEY and BINANCE_SECRET_KEY; the address is that of
the testnet unless one is given, such as http://127.0.0.1:8080.
"""

import sys

import nanobook

URL = sys.argv[1] if len(sys.argv) > 1 else None

with nanobook.BinanceBroker(base_url=URL, state="binance.sqlite") as broker:
    account = broker.account()
    print(f"{broker.connection().detail}: equity {account.equity:,.2f} {account.currency}")
    quote = broker.quote("BTC")
    print(f"BTC {quote.bid} / {quote.ask}")
    if quote.ask is None:
        sys.exit("nobody sells now")

    wanted = nanobook.BrokerOrder("BTC", "buy", 100 / quote.ask, "limit", quote.ask, tif="gtc")
    order = broker.normalize(wanted)
    print(*order.changes, sep="\n")
    broker.preview(order.order)  # raises where its rules refuse it
    ack = broker.submit_order(order.order)
    status = broker.wait(ack, timeout=30)
    print(f"{status.state}: {status.filled_quantity} at {status.avg_fill_price}")
    for fill in broker.fills(symbol="BTC"):
        print(f"  {fill.side} {fill.quantity} at {fill.price}, fee {fill.fee} {fill.fee_currency}")
    for position in broker.positions():
        print(f"holds {position.quantity} {position.symbol}")
