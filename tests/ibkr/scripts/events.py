"""A program that is all asyncio and callbacks."""

import asyncio
import sys

try:
    from ib_async import IB, LimitOrder, Stock
except ImportError:
    from ib_insync import IB, LimitOrder, Stock


async def main():
    ib = IB()
    await ib.connectAsync("127.0.0.1", int(sys.argv[1]), clientId=19)
    ib.disconnectedEvent += lambda: print("disconnected")
    aapl = Stock("AAPL", "SMART", "USD")
    await ib.qualifyContractsAsync(aapl)

    quoted = asyncio.Event()
    ib.pendingTickersEvent += lambda tickers: quoted.set()
    ticker = ib.reqMktData(aapl)
    await quoted.wait()
    print("quoted", ticker.bid, ticker.ask)

    trade = ib.placeOrder(aapl, LimitOrder("BUY", 10, ticker.ask))
    done = asyncio.Event()
    trade.fillEvent += lambda trade, fill: print("filled", f"{fill.execution.shares:g}")
    trade.filledEvent += lambda trade: print("all of it")
    trade.commissionReportEvent += lambda trade, fill, report: done.set()
    await done.wait()
    print(f"commission {trade.fills[0].commissionReport.commission:.2f}")

    orders = await ib.reqAllOpenOrdersAsync()
    time = await ib.reqCurrentTimeAsync()
    print(len(orders), "open orders,", time.tzname())
    ib.disconnect()


asyncio.run(main())
