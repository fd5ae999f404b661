"""What can be traded: contracts, their rules, and names that are none."""

import sys

try:
    from ib_async import IB, Contract, Forex, Stock
except ImportError:
    from ib_insync import IB, Contract, Forex, Stock

ib = IB()
ib.connect("127.0.0.1", int(sys.argv[1]), clientId=12)
ib.errorEvent += lambda req_id, code, text, contract: (
    None if req_id < 0 else print("error", code, text)
)

aapl = Stock("AAPL", "SMART", "USD")
ib.qualifyContracts(aapl)
print("qualified:", aapl.symbol, aapl.primaryExchange, aapl.currency)
(by_number,) = ib.reqContractDetails(Contract(conId=aapl.conId))
print(by_number.contract.symbol, by_number.contract.secType, f"tick {by_number.minTick:g}")
rule = int(by_number.marketRuleIds.split(",")[0])
print([(f"{step.lowEdge:g}", f"{step.increment:g}") for step in ib.reqMarketRule(rule)])

print("no such stock:", ib.reqContractDetails(Stock("NOSUCH", "SMART", "USD")))
print("no such currency:", ib.reqContractDetails(Forex("EURUSD")))
found = ib.reqMatchingSymbols("AAP")
print("matching:", sorted(each.contract.symbol for each in found))
ib.disconnect()
