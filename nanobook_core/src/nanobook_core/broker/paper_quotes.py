"""Where the paper broker's prices come from: a file, a mapping or a function."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from attrs import evolve, field, frozen

from nanobook_core.contracts.broker_error import NoQuoteError, UnknownSymbolError
from nanobook_core.contracts.broker_order import DIGITS
from nanobook_core.contracts.holding import Quote
from nanobook_core.errors import NanobookError, ValidationError, shown
from nanobook_core.types import Side

_NUMBERS = ("bid", "ask", "last", "bid_size", "ask_size", "volume")
_REQUIRED = ("symbol", "bid", "ask")
_COLUMNS = ("symbol", *_NUMBERS, "currency")

#: A record, a mapping of `bid, ask, last, bid_size, ask_size, volume, currency`, or (bid, ask).
QuoteLike: TypeAlias = Quote | Mapping[str, Any] | tuple[Any, Any]
Quotes: TypeAlias = (
    str
    | os.PathLike[str]
    | Mapping[str, QuoteLike | None]
    | Callable[[str], QuoteLike | None]
    | None
)


@frozen
class SourceQuote:
    """What a source says of a symbol."""

    quote: Quote
    currency: str | None = None

    key: str = field(init=False)
    """All that tells it from the next one."""

    @key.default
    def _key(self) -> str:
        quote = self.quote
        parts = [getattr(quote, name) for name in _NUMBERS]
        return "|".join(["" if part is None else str(part) for part in (*parts, quote.venue_time)])


class QuoteSource(Protocol):
    """Says what a symbol's prices are now."""

    error: NanobookError | None
    """Why no symbol has any; known after `refresh`."""

    def refresh(self) -> None:
        """Look again; called once in each request."""
        ...

    def get(self, symbol: str) -> SourceQuote | None:
        """Return a symbol's quote; None for one that is not known.

        Raises:
            ValidationError: what is there is no quote.
            NoQuoteError: it cannot look.

        """
        ...


def quote_source(quotes: Quotes) -> QuoteSource:
    """Return the source that the caller's `quotes` are.

    Raises:
        TypeError: they are none of what can be a source, or one in a mapping is no quote.
        ValidationError: one in a mapping has a price or a key that cannot be.

    """
    if quotes is None:
        return _Mapped({})
    if isinstance(quotes, str | os.PathLike):
        return _File(Path(quotes).absolute())
    if isinstance(quotes, Mapping):
        return _Mapped(quotes)
    if callable(quotes):
        return _Called(quotes)
    raise TypeError(
        "quotes are the path of a csv file, a mapping from symbol to a quote, or a function of a "
        f"symbol, got {shown(quotes)}"
    )


class _Mapped:
    error: NanobookError | None = None

    def __init__(self, quotes: Mapping[str, QuoteLike | None]) -> None:
        self._quotes = quotes
        #: What was there the last time, and what it was read as.
        self._read: dict[str, tuple[QuoteLike, SourceQuote]] = {}
        for symbol in quotes:
            self.get(symbol)

    def refresh(self) -> None:
        pass

    def get(self, symbol: str) -> SourceQuote | None:
        found = _asked(self._quotes.get, symbol)
        if found is None:
            return None
        before = self._read.get(symbol)
        if before is not None and _is_same(before[0], found):
            return before[1]
        made = to_quote(symbol, found)
        is_open = isinstance(found, Mapping) and not isinstance(found, Quote)
        self._read[symbol] = (dict(found) if is_open else found, made)
        return made


def _is_same(before: QuoteLike, found: QuoteLike) -> bool:
    try:
        return bool(before == found)
    except (ArithmeticError, TypeError, ValueError):  # a signalling NaN, an array: no quote anyway
        return False


def _asked(function: Callable[[str], QuoteLike | None], symbol: str) -> QuoteLike | None:
    try:
        return function(symbol)
    except (NoQuoteError, UnknownSymbolError, ValidationError):
        raise
    except Exception as error:  # the caller's, perhaps another broker; cancels must go on
        raise NoQuoteError(f"{symbol}: the quotes function failed: {error!r:.200}") from error


class _Called:
    error: NanobookError | None = None

    def __init__(self, function: Callable[[str], QuoteLike | None]) -> None:
        self._function = function

    def refresh(self) -> None:
        pass

    def get(self, symbol: str) -> SourceQuote | None:
        found = _asked(self._function, symbol)
        return None if found is None else to_quote(symbol, found)


class _File:
    """A csv file with a header; read in each request, parsed when it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text: bytes | None = None
        self._quotes: dict[str, SourceQuote] = {}
        self.error: NanobookError | None = None

    def refresh(self) -> None:
        try:
            text = self._read()
        except OSError as error:
            self._text, self._quotes = None, {}
            self.error = NoQuoteError(f"quotes cannot be read: {error}")
            return
        if text == self._text:
            return
        self._text, self._quotes, self.error = text, {}, None
        try:
            self._quotes = dict(quote_rows(self._path, text))
        except ValidationError as error:
            self.error = error

    def _read(self) -> bytes:
        if self._path.is_fifo():  # it would have nothing to say the second time, and may block
            raise OSError(f"{self._path} is a pipe; give a file, which is read in each request")
        return self._path.read_bytes()

    def get(self, symbol: str) -> SourceQuote | None:
        if self.error is not None:
            raise self.error
        return self._quotes.get(symbol)


def quote_rows(path: Path, text: bytes) -> Iterator[tuple[str, SourceQuote]]:
    """Read the text of a quotes file, row by row; `path` is for the messages.

    Raises:
        ValidationError: it is no such file; the message says the line.

    """
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValidationError(f"{path} is not UTF-8: {error}") from None
    rows = csv.reader(io.StringIO(decoded, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(rows, [])]
        _check_header(path, header)
        seen: set[str] = set()
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            where = f"{path}, line {rows.line_num}"
            if len(row) != len(header):
                raise ValidationError(f"{where}: {len(row)} values for {len(header)} columns")
            cells = {name: cell.strip() for name, cell in zip(header, row, strict=True)}
            symbol = cells.pop("symbol")
            if not symbol or not symbol.isprintable():
                raise ValidationError(f"{where}: symbol is printable text, got {symbol!r:.40}")
            if symbol in seen:
                raise ValidationError(f"{where}: {symbol} is there twice")
            seen.add(symbol)
            given: dict[str, Any] = {name: cell for name, cell in cells.items() if cell}
            try:
                yield symbol, to_quote(symbol, given)
            except ValidationError as error:
                raise ValidationError(f"{where}: {error}") from None
    except csv.Error as error:
        raise ValidationError(f"{path}, line {rows.line_num}: {error}") from None


def _check_header(path: Path, header: list[str]) -> None:
    missing = [name for name in _REQUIRED if name not in header]
    unknown = [name for name in header if name not in _COLUMNS]
    if missing or unknown or len(set(header)) != len(header):
        what = (
            f"no column {missing[0]!r}"
            if missing
            else f"an unknown column {unknown[0]!r:.40}"
            if unknown
            else "a column twice"
        )
        raise ValidationError(
            f"{path}, line 1: {what}; columns are symbol,bid,ask and, if you like, "
            f"{','.join(_COLUMNS[3:])}, in lower case; got {','.join(header)!r:.80}"
        )


def to_quote(symbol: str, value: QuoteLike) -> SourceQuote:
    """Read a quote in any of its forms.

    Raises:
        TypeError: it is none of them, or a price is a float.
        ValidationError: a price is not above 0, a size negative, a key unknown.

    """
    if isinstance(value, Quote):
        if value.symbol != symbol:
            raise ValidationError(f"{symbol}: this quote is of {value.symbol!r:.40}")
        return SourceQuote(value)
    if isinstance(value, tuple | list):
        if len(value) != 2:  # noqa: PLR2004 - bid and ask
            raise ValidationError(f"{symbol}: a pair is (bid, ask), got {len(value)} values")
        value = {"bid": value[0], "ask": value[1]}
    if not isinstance(value, Mapping):
        raise TypeError(
            f"{symbol}: a quote is a Quote, a mapping or (bid, ask), got {shown(value)}"
        )
    for name in value:
        if name not in _COLUMNS[1:]:
            raise ValidationError(
                f"{symbol}: a quote has no {name!r:.40}; it has {', '.join(_COLUMNS[1:])}"
            )
    currency = value.get("currency")
    if currency is not None and not (isinstance(currency, str) and currency):
        raise ValidationError(f"{symbol}: currency is a word such as USD, got {shown(currency)}")
    numbers: dict[str, Any] = {name: _number(symbol, name, value.get(name)) for name in _NUMBERS}
    return SourceQuote(Quote(symbol=symbol, **numbers), currency)


def _number(symbol: str, name: str, value: object) -> Decimal | None:
    if value is None:
        return None
    number = to_decimal(value, f"{symbol}: {name}")
    is_size = name in ("bid_size", "ask_size", "volume")
    if number < 0 or (number == 0 and not is_size):
        least = "0 or more" if is_size else "above 0, or left out"
        raise ValidationError(f"{symbol}: {name} is {least}, got {number}")
    return number


def touch(quote: Quote, side: Side) -> Decimal | None:
    """Price that an order of that side meets; None where there is none, or it is not to be used."""
    if quote.is_halted or (quote.bid is not None and quote.ask is not None and not quote.is_usable):
        return None
    price = quote.ask if side is Side.BUY else quote.bid
    return price if price is not None and price.is_finite() and price > 0 else None


def to_decimal(value: object, name: str) -> Decimal:
    """Read a number exactly: an int, a Decimal, or a string of digits.

    Raises:
        TypeError: it is none of them; floats are not exact.
        ValidationError: it is not finite, no number, or of more than 40 digits.

    """
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        hint = f"; write Decimal('{value}')" if isinstance(value, float) else ""
        raise TypeError(f"{name} is an int, a Decimal or a string, got {shown(value)}{hint}")
    try:
        number: Decimal | None = Decimal(value)
    except (InvalidOperation, ValueError):
        number = None
    # `Decimal` takes 9_9 and full-width digits, no price list does.
    if number is None or (isinstance(value, str) and ("_" in value or not value.isascii())):
        raise ValidationError(f"{name} is a number, got {value!r:.60}")
    if not number.is_finite():
        raise ValidationError(f"{name} is finite, got {value!s:.60}")
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)  # noqa: S101 - it is finite
    if len(number.as_tuple().digits) > DIGITS or not -DIGITS <= exponent <= DIGITS:
        raise ValidationError(f"{name} has at most {DIGITS} digits, got {value!s:.60}")
    return number


def received(source: SourceQuote, monotonic: float) -> Quote:
    """Return the quote with the time at which it was asked for, unless it says one itself."""
    quote = source.quote
    return quote if quote.received is not None else evolve(quote, received=monotonic)
