"""What an order would cost, without sending it."""

import sys

try:
    from ib_async import IB, LimitOrder, MarketOrder, Stock
except ImportError:
    from ib_insync import IB, LimitOrder, MarketOrder, Stock

ib = IB()
ib.connect("127.0.0.1", int(sys.argv[1]), clientId=16)
aapl = Stock("AAPL", "SMART", "USD")
ib.qualifyContracts(aapl)
for order in (MarketOrder("BUY", 100), LimitOrder("BUY", 1000, 185)):
    state = ib.whatIfOrder(aapl, order)
    cost, margin = float(state.commission), float(state.initMarginChange)
    print(f"{order.orderType} {order.totalQuantity:g}: commission {cost:.2f}")
    print(f"  margin +{margin:,.2f}, equity after {float(state.equityWithLoanAfter):,.2f}")
print("open orders", len(ib.reqAllOpenOrders()), "positions", len(ib.positions()))
ib.disconnect()
