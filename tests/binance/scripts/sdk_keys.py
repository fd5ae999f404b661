"""Private keys in the place of a secret: the vendor's own kit signs, and logs on to a session."""

import asyncio
import sys
from pathlib import Path

from binance_common.configuration import ConfigurationRestAPI, ConfigurationWebSocketAPI
from binance_sdk_spot.rest_api.models import (
    NewOrderSideEnum,
    NewOrderTimeInForceEnum,
    NewOrderTypeEnum,
)
from binance_sdk_spot.spot import Spot

URL, *KEYS = sys.argv[1:]
STREAMS = URL.replace("http", "ws", 1)

for kind, key, file in zip(("Ed25519", "RSA"), KEYS[::2], KEYS[1::2], strict=True):
    settings = ConfigurationRestAPI(key, private_key=Path(file).read_text(), base_path=URL)
    client = Spot(config_rest_api=settings).rest_api
    order = client.new_order(
        symbol="BTCUSDT",
        side=NewOrderSideEnum.BUY,
        type=NewOrderTypeEnum.LIMIT,
        time_in_force=NewOrderTimeInForceEnum.GTC,
        quantity=0.01,
        price=59000,
    ).data()
    cancelled = client.delete_order("BTCUSDT", order_id=order.order_id).data()
    print(kind, order.status, cancelled.status)


async def log_on(key, private_key):
    settings = ConfigurationWebSocketAPI(
        key, private_key=private_key, stream_url=f"{STREAMS}/ws-api/v3"
    )
    api = await Spot(config_ws_api=settings).websocket_api.create_connection()
    session = (await api.session_logon()).data()
    print("session", session.status, session.result.api_key == key)
    handle = await api.user_data_stream_subscribe()
    print("subscribed", handle.response.data().status)
    await api.close_connection(close_session=True)


asyncio.run(log_on(KEYS[0], Path(KEYS[1]).read_text()))
