"""The WebSocket API, the user data stream and market streams of the vendor's own kit."""

import asyncio
import sys

from binance_common.configuration import ConfigurationWebSocketAPI, ConfigurationWebSocketStreams
from binance_sdk_spot.spot import Spot
from binance_sdk_spot.websocket_api.models import (
    OrderPlaceSideEnum,
    OrderPlaceTimeInForceEnum,
    OrderPlaceTypeEnum,
)

URL, KEY, SECRET = sys.argv[1:]
STREAMS = URL.replace("http", "ws", 1)


async def main():
    client = Spot(
        config_ws_api=ConfigurationWebSocketAPI(KEY, SECRET, stream_url=f"{STREAMS}/ws-api/v3"),
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=f"{STREAMS}/stream"),
    )
    events, trades, levels = asyncio.Queue(), asyncio.Queue(), asyncio.Queue()
    streams = await client.websocket_streams.create_connection()
    (await streams.trade("btcusdt")).on("message", trades.put_nowait)
    (await streams.partial_book_depth("btcusdt", "5")).on("message", levels.put_nowait)
    print("move the market", flush=True)
    while (book := await levels.get()).bids[0][0] != "60500.00000000":
        pass
    print("levels", book.bids[0], book.asks[0])

    api = await client.websocket_api.create_connection()
    print((await api.ping()).data().status)
    handle = await api.user_data_stream_subscribe_signature()
    handle.stream.on("message", events.put_nowait)
    placed = (
        await api.order_place(
            symbol="BTCUSDT",
            side=OrderPlaceSideEnum.BUY,
            type=OrderPlaceTypeEnum.LIMIT,
            time_in_force=OrderPlaceTimeInForceEnum.GTC,
            quantity=0.01,
            price=59000,
        )
    ).data()
    print(placed.status, placed.result.status, placed.result.price)
    for _ in range(2):
        event = (await events.get()).actual_instance
        print(type(event).__name__)
    status = await api.order_status("BTCUSDT", order_id=placed.result.order_id)
    print(status.data().result.orig_qty)
    cancelled = await api.order_cancel("BTCUSDT", order_id=placed.result.order_id)
    print(cancelled.data().result.status)
    for _ in range(2):
        event = (await events.get()).actual_instance
        print(type(event).__name__)
    bought = await api.order_place(
        symbol="BTCUSDT",
        side=OrderPlaceSideEnum.BUY,
        type=OrderPlaceTypeEnum.MARKET,
        quantity=0.02,
    )
    print(bought.data().result.status, [fill.qty for fill in bought.data().result.fills])
    trade = await trades.get()
    print("trade", trade.p, trade.q)
    limits = bought.data().rate_limits
    print([(each.rate_limit_type, each.interval, each.limit) for each in limits])
    await streams.close_connection(close_session=True)
    await api.close_connection(close_session=True)


asyncio.run(main())
