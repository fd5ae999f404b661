"""A paper order at Interactive Brokers, or at the simulated gateway, from question to position."""

import sys
import time

import nanobook

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 4002

with nanobook.IbkrBroker("127.0.0.1", PORT, client_id=1, state="ibkr.sqlite") as broker:
    account = broker.account()
    print(f"account {account.account_id}: equity {account.equity:,.2f} {account.currency}")
    quote = broker.quote("AAPL")
    print(f"AAPL {quote.bid} / {quote.ask}")

    order = nanobook.BrokerOrder("AAPL", "buy", 10, "limit", quote.ask, client_order_id="first-1")
    preview = broker.preview(order)
    print(f"would cost {preview.commission} in commission")
    ack = broker.submit_order(order)
    status = broker.wait(ack, timeout=30)
    print(f"{status.state}: {status.filled_quantity} at {status.avg_fill_price}")
    while not all(fill.is_fee_known for fill in broker.fills()):  # commissions are told later
        time.sleep(0.05)
    for fill in broker.fills(symbol="AAPL"):
        print(f"  {fill.side} {fill.quantity} at {fill.price}, fee {fill.fee} {fill.fee_currency}")
    for position in broker.positions():
        print(f"holds {position.quantity} {position.symbol}")
