"""What the account holds, and what it is worth."""

from __future__ import annotations

from decimal import Decimal

from nanobook_core.contracts.broker_error import BrokerProtocolError
from nanobook_core.contracts.cents import WIDE
from nanobook_core.contracts.clock import Clock
from nanobook_core.contracts.holding import Account, Balance, BrokerPosition
from nanobook_ibkr.contract import Contracts
from nanobook_ibkr.message import AccountValue
from nanobook_ibkr.question import Questions
from nanobook_ibkr.reader import number

_ALL_CURRENCIES = "BASE"


async def positions(questions: Questions, contracts: Contracts) -> list[BrokerPosition]:
    """Holdings of the account, in the order of their symbols.

    Costs are the venue's, with commissions in them; a gain is the value less them. Values are the
    venue's own; where a trade was so recent that its quantity there is an older one, the venue's
    price times what is held.

    Raises:
        BrokerProtocolError: the venue tells no price of a holding.

    """
    rows = await questions.position_rows()
    valued = {row.contract.con_id: row for row in await questions.portfolio_rows()} if rows else {}
    held = []
    for row in rows:
        instrument = (await contracts.listed(row.contract)).instrument
        worth = valued.get(row.contract.con_id)
        if worth is None or worth.market_price is None:
            raise BrokerProtocolError(
                f"{instrument.symbol}: {row.quantity} are held, and the venue tells no price of it",
                broker="ibkr",
            )
        value = worth.market_value
        if value is None or worth.quantity != row.quantity:
            value = row.quantity * worth.market_price * instrument.multiplier
        cost = row.avg_cost  # for one unit of all of its multiplier
        held.append(
            BrokerPosition(
                symbol=instrument.symbol,
                quantity=row.quantity,
                avg_cost=None if cost is None else WIDE.divide(cost, instrument.multiplier),
                market_value=value,
                unrealized_pnl=None if cost is None else value - row.quantity * cost,
                currency=instrument.currency,
            )
        )
    return sorted(held, key=lambda position: position.symbol)


async def account(questions: Questions, clock: Clock) -> Account:
    """Money of the account, in its base currency.

    Raises:
        BrokerProtocolError: the venue leaves out a figure, or it is no number.

    """
    lines = await questions.account_values()
    equity, currency = _figure(lines, "NetLiquidation")
    balances, rates = [], {}
    for line in lines:
        amount = number(line.value)
        if amount is None or line.currency in ("", _ALL_CURRENCIES):
            continue
        if line.key == "CashBalance" and (amount or line.currency == currency):
            balances.append(Balance(currency=line.currency, free=amount))
        if line.key == "ExchangeRate" and line.currency != currency and amount > 0:
            rates[line.currency] = amount
    return Account(
        equity=equity,
        cash=_figure(lines, "TotalCashValue")[0],
        buying_power=_figure(lines, "BuyingPower")[0],
        gross_position_value=_figure(lines, "GrossPositionValue")[0],
        currency=currency,
        account_id=questions.account,
        balances=tuple(sorted(balances, key=lambda balance: balance.currency)),
        as_of=clock.now(),
        rates=rates,
    )


def _figure(lines: tuple[AccountValue, ...], key: str) -> tuple[Decimal, str]:
    for line in lines:
        amount = number(line.value)
        if line.key == key and amount is not None and line.currency not in ("", _ALL_CURRENCIES):
            return amount, line.currency
    raise BrokerProtocolError(f"the account has no figure {key!r}", broker="ibkr")
