"""Requests byte by byte, as no library would send them."""

import hashlib
import hmac
import json
import socket
from contextlib import suppress
from http.client import HTTPException, HTTPResponse
from urllib.parse import urlencode

from attrs import frozen


@frozen
class Answer:
    """What came back; a status of None where the connection was closed without a word."""

    status: int | None
    body: bytes = b""

    @property
    def said(self):
        """The body as JSON."""
        return json.loads(self.body)


def exchange(port, data, *, method="GET", is_whole=True):
    """Send bytes, and end the sending where no answer can be waited for; the first answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        with suppress(OSError):  # it may have answered and closed before it has read everything
            connection.sendall(data)
            if not is_whole:
                connection.shutdown(socket.SHUT_WR)
        response = HTTPResponse(connection, method=method)
        try:
            response.begin()
            return Answer(response.status, response.read())
        except (HTTPException, ConnectionError):
            return Answer(None)


def request(method, path, query="", body="", headers=()):
    """A request as bytes; what is in it is not checked."""
    target = f"{path}?{query}" if query else path
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
    if body:
        lines += ["Content-Type: application/x-www-form-urlencoded"]
    lines += [f"Content-Length: {len(body.encode())}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def signed(secret_key, parameters):
    """A query string with its signature, whatever the parameters are; pairs or a mapping."""
    payload = urlencode(parameters)
    signature = hmac.new(secret_key.encode(), payload.encode(), hashlib.sha256).hexdigest()
    return f"{payload}&signature={signature}" if payload else f"signature={signature}"
