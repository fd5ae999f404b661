"""A client of the wire protocol alone: bytes out, fields in, no library between."""

import socket
import struct


def frame(fields):
    """A message as it crosses the socket."""
    payload = "".join(f"{field}\0" for field in fields).encode()
    return struct.pack(">I", len(payload)) + payload


def handshake(versions="v157..178"):
    """What a client says first."""
    text = versions.encode()
    return b"API\0" + struct.pack(">I", len(text)) + text


class RawClient:
    """One connection; `ask` sends a message and waits for an answer of one kind."""

    def __init__(self, port, *, timeout=20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._read = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        self._read.close()
        self.socket.close()

    def send(self, data):
        """Send bytes; False where the gateway has closed the connection."""
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        return True

    def receive(self):
        """Fields of the next message; None at the end of the connection."""
        try:
            head = self._read.read(4)
            if len(head) < 4:
                return None
            payload = self._read.read(struct.unpack(">I", head)[0])
        except ConnectionError:
            return None
        return payload.decode().split("\0")[:-1]

    def until(self, *message_ids):
        """The first message of these ids; what comes before it is dropped, None at the end."""
        while (fields := self.receive()) is not None and fields[0] not in message_ids:
            pass
        return fields

    def start(self, client_id, versions="v157..178"):
        """Shake hands and start the API; the number of the client's next order."""
        self.send(handshake(versions))
        assert self.receive() is not None
        self.send(frame([71, 2, client_id, ""]))
        return int(self.until("9")[2])

    def is_served(self):
        """Whether a question of now is answered on this connection."""
        return self.send(frame([49, 1])) and self.until("49") is not None
