"""The link between TWS and the venue, which may be down while clients are connected."""

from __future__ import annotations

from collections.abc import Callable

from nanobook_ibkr.simulator.client import Client
from nanobook_ibkr.simulator.wire import Field

_DOWN = "Connectivity between IB and Trader Workstation has been lost."
_UP = "Connectivity between IB and Trader Workstation has been restored - "
_KEPT = _UP + "data maintained. All data farms are connected: usfarm; ushmds; secdefil."
_LOST = _UP + "data lost. Please resubmit all market data requests."


class Uplink:
    """Keeps what clients ask and what they are to be told until the link is up."""

    def __init__(self, clients: dict[int, Client]) -> None:
        self.is_up = True
        self._clients = clients
        self._asked: list[Callable[[], object]] = []
        self._news: list[tuple[Client, list[Field]]] = []

    def ask(self, act: Callable[[], object]) -> None:
        """Do it now, or as soon as the link is up."""
        if self.is_up:
            act()
        else:
            self._asked.append(act)

    def tell(self, client: Client, message: list[Field]) -> None:
        """Tell a client what happened at the venue, now or once the link is up."""
        if self.is_up:
            client.send(message)
        else:
            self._news.append((client, message))

    def greet(self, client: Client) -> None:
        """Tell a client that has just come if the link is down."""
        if not self.is_up:
            client.error(-1, 1100, _DOWN)

    def lose(self) -> None:
        """Lose the link; all clients are told."""
        if self.is_up:
            self.is_up = False
            for client in self._clients.values():
                client.error(-1, 1100, _DOWN)

    def restore(self, *, data_lost: bool) -> None:
        """Have it again: first the news are told, unless they are lost, then what waits is done.

        With lost data subscriptions to quotes have ended.
        """
        if self.is_up:
            return
        self.is_up = True
        asked, self._asked = self._asked, []
        news, self._news = self._news, []
        for client in self._clients.values():
            client.error(-1, *((1101, _LOST) if data_lost else (1102, _KEPT)))
            if data_lost:
                client.streams.quotes.clear()
        if not data_lost:
            for client, message in news:
                client.send(message)
        for act in asked:
            act()

    def forget(self) -> None:
        """Forget what waits: those who asked have gone."""
        self._asked.clear()
        self._news.clear()
