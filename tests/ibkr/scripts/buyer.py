"""Takes what is offered below the market, in two orders."""

import sys

try:
    import ib_async as ibi
except ImportError:
    import ib_insync as ibi

ib = ibi.IB()
ib.connect("127.0.0.1", int(sys.argv[1]), clientId=22)
contract = ibi.Stock("AAPL", "SMART", "USD")
ib.qualifyContracts(contract)
(ticker,) = ib.reqTickers(contract)
print(f"{ibi.__name__}: the ask is {ticker.ask:.2f} for {ticker.askSize:g}")
for quantity in (40, 60):
    order = ibi.LimitOrder("BUY", quantity, 185.00, tif="IOC", orderRef="buyer")
    trade = ib.placeOrder(contract, order)
    while not trade.isDone() or not trade.fills[-1].commissionReport.execId:
        ib.sleep(0.01)
    fill = trade.fills[0]
    done, cost = fill.execution, fill.commissionReport.commission
    print(f"{ibi.__name__}: {done.side} {done.shares:g} at {done.price:.2f}, commission {cost:.2f}")
ib.disconnect()
