"""Messages of orders, briefly."""

from nanobook_itch.encode import encode_message


def order(kind, timestamp, locate=1, **fields):
    """A message of any type, of AAPL's locate."""
    return encode_message(kind, locate=locate, timestamp=timestamp, **fields)


def add(timestamp, reference, side, shares, price, symbol="AAPL", locate=1):  # noqa: PLR0917 - as on the wire
    """An added order, of AAPL."""
    body = {"reference": reference, "side": side, "shares": shares, "price": price}
    return order("A", timestamp, locate, symbol=symbol, **body)
