"""One exchange for each symbol."""
# ruff: noqa: PLR0917 - the arguments are those of the `Engine` contract

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeVar

from nanobook_core.contracts import (
    ApplyResult,
    CancelAllResult,
    CancelResult,
    ModifyResult,
    StopSubmitResult,
    SubmitResult,
)
from nanobook_core.plugin.registry import default_registry
from nanobook_core.types import TrailMethod, check_quantity, check_symbol

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nanobook_core.lob.exchange import ExchangeBase

Result = TypeVar("Result")


class MultiExchange:
    """Independent exchanges, each with ids, stops and a log of its own.

    The first order or stop for a symbol makes its exchange, if it is accepted; unlike the
    original's, a request that can only fail there, such as a cancel, makes none and fails softly.

    It is for one thread: two that bring the first order of a symbol at once would lose one.

    Raises:
        TypeError, ValidationError: as the exchange itself, for `stop_trigger` and `log_events`.

    """

    def __init__(self, *, stop_trigger: str = "every", log_events: bool = True) -> None:
        self._engine: type[ExchangeBase] = default_registry().load("engine", "exchange")
        self._settings: Any = {"stop_trigger": stop_trigger, "log_events": log_events}
        self._books: dict[str, ExchangeBase] = {}
        self._make()  # refuses settings that are wrong now, not at the first order

    def get_or_create(self, symbol: str) -> ExchangeBase:
        """Return the symbol's exchange itself: what is done to it, is done here.

        Raises:
            TypeError: the symbol is not a string.
            ValidationError: it is longer than 8 bytes, or not ASCII.

        """
        book = self._found(symbol)
        if book is None:
            book = self._books[check_symbol(symbol)] = self._make()
        return book

    def symbols(self) -> list[str]:
        """Return the symbols in the order in which their exchanges were made."""
        return list(self._books)

    def best_prices(self) -> list[tuple[str, int | None, int | None]]:
        """Return symbol, best bid and best ask of each, in that order."""
        return [(symbol, *book.best_bid_ask()) for symbol, book in self._books.items()]

    def len(self) -> int:
        """Return the number of symbols, as `len(...)` does."""
        return len(self._books)

    def __len__(self) -> int:
        return len(self._books)

    def __iter__(self) -> Iterator[str]:
        return iter(self._books)

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._books

    def __getitem__(self, symbol: str) -> ExchangeBase:
        return self._books[symbol]

    def submit_limit(
        self,
        symbol: str,
        side: str,
        price: int,
        quantity: int,
        tif: str = "gtc",
        *,
        owner: int | None = None,
        stp_policy: str = "off",
        post_only: bool = False,
    ) -> SubmitResult:
        """Submit to the symbol's exchange, which is made where there is none."""
        return self._submit(
            symbol,
            lambda book: book.submit_limit(
                side,
                price,
                quantity,
                tif,
                owner=owner,
                stp_policy=stp_policy,
                post_only=post_only,
            ),
        )

    def submit_market(
        self,
        symbol: str,
        side: str,
        quantity: int,
        *,
        owner: int | None = None,
        stp_policy: str = "off",
    ) -> SubmitResult:
        """Submit to the symbol's exchange, which is made where there is none."""
        return self._submit(
            symbol,
            lambda book: book.submit_market(side, quantity, owner=owner, stp_policy=stp_policy),
        )

    def submit_stop_market(
        self,
        symbol: str,
        side: str,
        stop_price: int,
        quantity: int,
        *,
        owner: int | None = None,
        stp_policy: str = "off",
    ) -> StopSubmitResult:
        """Submit to the symbol's exchange, which is made where there is none."""
        return self._submit(
            symbol,
            lambda book: book.submit_stop_market(
                side, stop_price, quantity, owner=owner, stp_policy=stp_policy
            ),
        )

    def submit_stop_limit(
        self,
        symbol: str,
        side: str,
        stop_price: int,
        limit_price: int,
        quantity: int,
        tif: str = "gtc",
        *,
        owner: int | None = None,
        stp_policy: str = "off",
    ) -> StopSubmitResult:
        """Submit to the symbol's exchange, which is made where there is none."""
        return self._submit(
            symbol,
            lambda book: book.submit_stop_limit(
                side, stop_price, limit_price, quantity, tif, owner=owner, stp_policy=stp_policy
            ),
        )

    def submit_trailing_stop_market(
        self,
        symbol: str,
        side: str,
        initial_stop_price: int,
        quantity: int,
        trail_type: str | TrailMethod,
        trail_value: float | None = None,
        atr_period: int | None = None,
        *,
        owner: int | None = None,
        stp_policy: str = "off",
    ) -> StopSubmitResult:
        """Submit to the symbol's exchange, which is made where there is none."""
        return self._submit(
            symbol,
            lambda book: book.submit_trailing_stop_market(
                side,
                initial_stop_price,
                quantity,
                trail_type,
                trail_value,
                atr_period,
                owner=owner,
                stp_policy=stp_policy,
            ),
        )

    def submit_trailing_stop_limit(
        self,
        symbol: str,
        side: str,
        initial_stop_price: int,
        limit_price: int,
        quantity: int,
        trail_type: str | TrailMethod,
        trail_value: float | None = None,
        tif: str = "gtc",
        atr_period: int | None = None,
        *,
        owner: int | None = None,
        stp_policy: str = "off",
    ) -> StopSubmitResult:
        """Submit to the symbol's exchange, which is made where there is none."""
        return self._submit(
            symbol,
            lambda book: book.submit_trailing_stop_limit(
                side,
                initial_stop_price,
                limit_price,
                quantity,
                trail_type,
                trail_value,
                tif,
                atr_period,
                owner=owner,
                stp_policy=stp_policy,
            ),
        )

    def cancel(self, symbol: str, order_id: int) -> CancelResult:
        """Cancel on the symbol's exchange; `OrderNotFound` where there is none."""
        return self._book(symbol).cancel(order_id)

    def modify(self, symbol: str, order_id: int, new_price: int, new_quantity: int) -> ModifyResult:
        """Modify on the symbol's exchange; `OrderNotFound` where there is none."""
        return self._book(symbol).modify(order_id, new_price, new_quantity)

    def reduce(self, symbol: str, order_id: int, by: int) -> CancelResult:
        """Reduce on the symbol's exchange; `OrderNotFound` where there is none."""
        return self._book(symbol).reduce(order_id, by)

    def cancel_all(
        self, symbol: str, owner: int | None = None, side: str | None = None
    ) -> CancelAllResult:
        """Cancel on the symbol's exchange; nothing where there is none."""
        return self._book(symbol).cancel_all(owner, side)

    def apply(self, ops: NDArray[Any], *, threads: int | None = None) -> ApplyResult:
        """Run a batch whose column `symbol` is an index into `symbols()`.

        The rows of one symbol run in their order; with the compiled engine those of different
        symbols run on several threads, as many as there are processors if `threads` does not say.
        The result is that of one thread, and of single calls; trade ids are each exchange's own.
        Ctrl-C ends it with each exchange as after one of its rows.

        Raises:
            TypeError, OverflowError, ValidationError: a row is malformed, or its symbol is no such
                index; nothing has run.

        """
        count = check_quantity(os.cpu_count() or 1 if threads is None else threads, "threads")
        books = list(self._books.values())
        return self._engine.apply_books(books, ops, min(count, max(1, len(books))))

    def clear_trades(self) -> None:
        """Forget the prints of every exchange."""
        for book in self._books.values():
            book.clear_trades()

    def clear_order_history(self) -> int:
        """Forget the finished orders and stops of every exchange; the number of orders."""
        return sum(book.clear_order_history() for book in self._books.values())

    def clear_events(self) -> None:
        """Forget the log of every exchange, which is truncated from then on."""
        for book in self._books.values():
            book.clear_events()

    def compact(self) -> None:
        """Give memory back; nothing else changes."""
        for book in self._books.values():
            book.compact()

    def state_hash(self) -> int:
        """Return 64 bits of all states, in the order of `symbols()`.

        The little-endian number of the 8-byte blake2b of, for each symbol: u1 its length, its
        bytes, u8 the `state_hash()` of its exchange, little-endian.
        """
        digest = blake2b(digest_size=8)
        for symbol, book in self._books.items():
            name = symbol.encode()
            digest.update(bytes([len(name)]) + name + book.state_hash().to_bytes(8, "little"))
        return int.from_bytes(digest.digest(), "little")

    def __repr__(self) -> str:
        return f"MultiExchange(symbols={len(self)})"

    def _make(self) -> ExchangeBase:
        return self._engine(**self._settings)

    def _found(self, symbol: str) -> ExchangeBase | None:
        book = self._books.get(symbol) if type(symbol) is str else None
        # Checked only if it is not there: that takes longer than looking it up.
        return self._books.get(check_symbol(symbol)) if book is None else book

    def _book(self, symbol: str) -> ExchangeBase:
        """Return the symbol's exchange, or an empty one, which says that there is nothing."""
        return self._found(symbol) or self._make()

    def _submit(self, symbol: str, request: Callable[[ExchangeBase], Result]) -> Result:
        book = self._found(symbol)
        if book is not None:
            return request(book)
        book = self._make()
        result = request(book)
        # Not before: what is refused leaves nothing behind.
        self._books[check_symbol(symbol)] = book
        return result
