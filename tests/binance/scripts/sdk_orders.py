"""Orders of a program that was written with the vendor's own kit of today."""

import sys

from binance_common.configuration import ConfigurationRestAPI
from binance_common.errors import BadRequestError, UnauthorizedError
from binance_sdk_spot.rest_api.models import (
    NewOrderSideEnum,
    NewOrderTimeInForceEnum,
    NewOrderTypeEnum,
)
from binance_sdk_spot.spot import Spot

URL, KEY, SECRET = sys.argv[1:]

client = Spot(config_rest_api=ConfigurationRestAPI(KEY, SECRET, base_path=URL)).rest_api


def order(quantity, price=None, side=NewOrderSideEnum.BUY, **more):
    """Send an order for bitcoin."""
    if price is not None:
        more.setdefault("time_in_force", NewOrderTimeInForceEnum.GTC)
    return client.new_order(
        symbol="BTCUSDT",
        side=side,
        type=NewOrderTypeEnum.LIMIT if price else NewOrderTypeEnum.MARKET,
        quantity=quantity,
        price=price,
        **more,
    ).data()


def show(answer):
    """The state of an order."""
    print(answer.status, answer.orig_qty, answer.executed_qty, answer.cummulative_quote_qty)


def refused(what, call, *arguments, **parameters):
    """What the kit makes of a refusal."""
    try:
        call(*arguments, **parameters)
    except (BadRequestError, UnauthorizedError) as error:
        print(f"{what}: {type(error).__name__}: {error}")


print(client.time().data().server_time > 0)
(info,) = client.exchange_info(symbol="BTCUSDT").data().symbols
print(info.symbol, info.status, info.base_asset, info.quote_asset)
book = client.ticker_book_ticker(symbol="BTCUSDT").data().actual_instance
print(book.bid_price, book.ask_price)
print(client.depth("BTCUSDT", limit=5).data().asks[0])
balances = {each.asset: each for each in client.get_account().data().balances}
print(balances["USDT"].free, balances["BTC"].free)

resting = order(0.01, 59000, new_client_order_id="resting-1")
show(resting)
show(client.get_order("BTCUSDT", orig_client_order_id="resting-1").data())
print([each.client_order_id for each in client.get_open_orders("BTCUSDT").data()])
cancelled = client.delete_order("BTCUSDT", order_id=resting.order_id).data()
print(cancelled.status, cancelled.orig_client_order_id)

bought = order(0.1)
show(bought)
print([(fill.price, fill.qty, fill.commission, fill.commission_asset) for fill in bought.fills])
show(order(0.05, side=NewOrderSideEnum.SELL))
partly = order(0.5, 60000.01)
show(partly)
show(client.delete_order("BTCUSDT", order_id=partly.order_id).data())
for trade in client.my_trades("BTCUSDT").data():
    print(trade.qty, trade.price, trade.commission, trade.commission_asset, trade.is_buyer)
limits = order(0.01, 50000, time_in_force=NewOrderTimeInForceEnum.IOC)
show(limits)
print([each.status for each in client.all_orders("BTCUSDT").data()])

refused("money", order, 100, 59000)
refused("notional", order, 0.0001, 30000)
refused("exponent", order, 0.00005, 59000)
refused("tick", order, 0.01, 59000.001)
refused("order", client.get_order, "BTCUSDT", order_id=987654321)
refused("cancel", client.delete_order, "BTCUSDT", order_id=987654321)
refused("symbol", client.depth, "NOSUCH")
wrong = ConfigurationRestAPI("A" * 64, SECRET, base_path=URL)
refused("key", Spot(config_rest_api=wrong).rest_api.get_account)
