"""A server that says what a test tells it to, where the simulator says only what TWS would."""

import datetime as dt
import socket
import threading
from contextlib import contextmanager, suppress

from nanobook_ibkr.simulator import reply
from nanobook_ibkr.simulator.wire import GREETING, decode, encode

VERSION = 176
NOW = dt.datetime(2026, 11, 23, 15, 0, tzinfo=dt.UTC)


class Peer:
    """One client, from the server's side; everything waits."""

    def __init__(self, connection, number):
        self.connection = connection
        self.number = number
        """How many were there before it."""

    def take(self, count):
        data = b""
        while len(data) < count:
            part = self.connection.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def read(self):
        return decode(self.take(int.from_bytes(self.take(4), "big")))

    def raw(self, data):
        self.connection.sendall(data)

    def send(self, *messages):
        self.raw(b"".join(encode(message) for message in messages))

    def greet(self, version=VERSION):
        assert self.take(4) == GREETING
        self.take(int.from_bytes(self.take(4), "big"))
        self.send(reply.welcome(version, NOW))

    def start(self, *more, accounts=("DU1",), order_id=1):
        """Shake hands, with more messages in the same packet as its end."""
        self.greet()
        assert self.read()[0] == "71"
        self.send(
            reply.managed_accounts(VERSION, accounts),
            reply.next_valid_id(VERSION, order_id),
            *more,
        )

    def answer(self, **answers):
        """Answer what opens a session with nothing open, and the rest by `_number=function`."""
        while True:
            fields = self.read()
            handler = answers.get(f"_{fields[0]}")
            if handler is not None:
                handler(fields)
            elif fields[0] in {"5", "16"}:
                self.send(reply.open_order_end(VERSION))
            elif fields[0] == "99":
                self.send(reply.completed_orders_end(VERSION))
            elif fields[0] == "7":
                self.send(reply.execution_end(VERSION, int(fields[2])))


class Server:
    host = "127.0.0.1"

    def __init__(self, serve):
        self._serve = serve
        self._socket = socket.create_server((self.host, 0))
        self.port = self._socket.getsockname()[1]
        self._open = set()
        self.failures = []
        self._threads = [threading.Thread(target=self._accept, name="scripted-server")]
        self._threads[0].start()

    def _accept(self):
        for number in range(1_000):
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._open.add(connection)
            thread = threading.Thread(
                target=self._one, args=(connection, number), name="scripted-server"
            )
            self._threads.append(thread)
            thread.start()

    def _one(self, connection, number):
        try:
            with connection:
                self._serve(Peer(connection, number))
        except (EOFError, OSError):
            pass
        except Exception as error:
            self.failures.append(error)
            raise
        finally:
            self._open.discard(connection)

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for connection in tuple(self._open):
            with suppress(OSError):  # it has just ended
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()


@contextmanager
def scripted(serve):
    """A server that calls `serve` with each client, in a thread of its own."""
    server = Server(serve)
    try:
        yield server
    finally:
        server.close()
    assert server.failures == []
