"""The lines of the account window."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from nanobook_core.broker.exact import EXACT, QUOTIENT, product, total
from nanobook_ibkr.simulator.account import Account, Holding
from nanobook_ibkr.simulator.margin import Margin, cents
from nanobook_ibkr.simulator.record import ZERO, AccountValue

LEDGER = (
    "CashBalance",
    "TotalCashBalance",
    "StockMarketValue",
    "NetLiquidationByCurrency",
    "RealizedPnL",
    "UnrealizedPnL",
    "ExchangeRate",
)
"""Lines that there are of each currency, and of all together."""


def account_values(account: Account, margin: Margin) -> list[AccountValue]:
    """Lines of the account in US dollars and of each currency, money with two decimals."""
    return [
        AccountValue(account=account.name, key=key, value=value, currency=currency)
        for key, value, currency in _lines(account, margin)
    ]


def _lines(account: Account, margin: Margin) -> Iterator[tuple[str, str, str]]:
    holdings = list(account.holdings.values())
    cash, equity = margin.cash(account), margin.equity(account)
    gross = total(*(margin.value(each).copy_abs() for each in holdings))
    held, required = margin.held(account), margin.required(account)
    free = EXACT.subtract(equity, required)
    is_cash = margin.leverage == 1
    yield "AccountCode", account.name, ""
    yield "AccountReady", "true", ""
    yield "AccountType", "INDIVIDUAL", ""
    yield "Leverage-S", cents(QUOTIENT.divide(gross, equity) if equity > 0 else ZERO), ""
    for key, money in {
        "NetLiquidation": equity,
        "EquityWithLoanValue": equity,
        "TotalCashValue": cash,
        "SettledCash": cash,
        "GrossPositionValue": gross,
        "InitMarginReq": held,
        "MaintMarginReq": held,
        "FullInitMarginReq": held,
        "FullMaintMarginReq": held,
        "AvailableFunds": free,
        "FullAvailableFunds": free,
        "ExcessLiquidity": EXACT.subtract(equity, held),
        "BuyingPower": max(product(free, Decimal(1) if is_cash else margin.leverage), ZERO),
    }.items():
        yield key, cents(money), "USD"
    for currency in dict.fromkeys(["USD", *account.cash]):
        here = [each for each in holdings if each.definition.currency == currency]
        money = account.cash.get(currency, ZERO)
        rate = margin.rates[currency]
        yield "CashBalance", cents(money), currency
        yield "TotalCashBalance", cents(money), currency
        value = total(*(QUOTIENT.divide(margin.value(each), rate) for each in here))
        yield "StockMarketValue", cents(value), currency
        yield "NetLiquidationByCurrency", cents(total(money, value)), currency
        yield "RealizedPnL", cents(total(*(each.realized for each in here))), currency
        yield "UnrealizedPnL", cents(EXACT.subtract(value, _cost(here))), currency
        yield "ExchangeRate", format(rate, "f"), currency
    stocks = total(*map(margin.value, holdings))
    yield "CashBalance", cents(cash), "BASE"
    yield "TotalCashBalance", cents(cash), "BASE"
    yield "StockMarketValue", cents(stocks), "BASE"
    yield "NetLiquidationByCurrency", cents(equity), "BASE"
    yield "RealizedPnL", cents(_in_base(margin, holdings, "realized")), "BASE"
    yield "UnrealizedPnL", cents(EXACT.subtract(stocks, _in_base(margin, holdings, "cost"))), "BASE"
    yield "ExchangeRate", "1.00", "BASE"


def _cost(holdings: list[Holding]) -> Decimal:
    return total(*(each.cost for each in holdings))


def _in_base(margin: Margin, holdings: list[Holding], name: str) -> Decimal:
    return total(
        *(product(getattr(each, name), margin.rates[each.definition.currency]) for each in holdings)
    )
