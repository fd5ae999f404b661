"""What an account has, before and after a purchase."""

import sys

try:
    from ib_async import IB, MarketOrder, Stock
except ImportError:
    from ib_insync import IB, MarketOrder, Stock

TAGS = ("NetLiquidation", "TotalCashValue", "BuyingPower", "GrossPositionValue")

ib = IB()
ib.connect("127.0.0.1", int(sys.argv[1]), clientId=11)
(account,) = ib.managedAccounts()
print("account", account)


def show():
    summary = {row.tag: row for row in ib.accountSummary(account)}
    for tag in TAGS:
        print(f"  {tag} {float(summary[tag].value):,.2f} {summary[tag].currency}")
    for position in ib.positions():
        print(f"  {position.contract.symbol} {position.position:g} at {position.avgCost:.4f}")


show()
contract = Stock("AAPL", "SMART", "USD")
ib.qualifyContracts(contract)
trade = ib.placeOrder(contract, MarketOrder("BUY", 100))
while not trade.isDone() or not trade.fills[-1].commissionReport.execId:
    ib.sleep(0.01)
print(trade.orderStatus.status, f"{trade.orderStatus.avgFillPrice:.2f}")
while not ib.portfolio() or ib.portfolio()[0].position != 100:
    ib.sleep(0.01)
ib.reqPositions()
ib.disconnect()

ib.connect("127.0.0.1", int(sys.argv[1]), clientId=11)
show()
(item,) = ib.portfolio()
print(f"portfolio {item.contract.symbol} {item.position:g} x {item.marketPrice:.2f}", end="")
print(f" = {item.marketValue:.2f}, unrealized {item.unrealizedPNL:.2f}")
cash = [v for v in ib.accountValues() if (v.tag, v.currency) == ("TotalCashValue", "USD")]
print("account window", f"{float(cash[0].value):,.2f}")
ib.disconnect()
