"""Record a market of Binance, for the simulator to go on with: no key is needed for that.

    python binance_record.py BTCUSDT 60 market.jsonl
    python -m nanobook_binance.simulator --feed market.jsonl

A fourth argument is the address of another exchange, such as the simulator's http://127.0.0.1:8080.
"""

import sys
import time
from pathlib import Path

import requests
import websocket

SYMBOL, SECONDS, FILE, *OTHER = sys.argv[1:]
REST = OTHER[0] if OTHER else "https://data-api.binance.vision"
STREAMS = REST.replace("http", "ws", 1) if OTHER else "wss://data-stream.binance.vision"

names = [f"{SYMBOL.lower()}@{kind}" for kind in ("depth@100ms", "trade", "bookTicker")]
stream = websocket.create_connection(f"{STREAMS}/stream?streams={'/'.join(names)}")
stream.settimeout(1)
end = time.monotonic() + float(SECONDS)
has_snapshot = False
with Path(FILE).open("w") as lines:
    while time.monotonic() < end:
        try:
            message = stream.recv()
        except websocket.WebSocketTimeoutException:
            continue
        print(time.time_ns(), message, file=lines)
        if not has_snapshot and "@depth" in message:  # the book as it is once changes come
            book: dict[str, str | int] = {"symbol": SYMBOL, "limit": 1000}
            answer = requests.get(f"{REST}/api/v3/depth", params=book, timeout=10)
            print(time.time_ns(), answer.text, file=lines)
            has_snapshot = True
stream.close()
