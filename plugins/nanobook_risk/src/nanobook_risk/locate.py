"""Short sales only of what can be borrowed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from attrs import field, frozen

from nanobook_core.contracts import RiskOrder, RiskRequest, RiskResult
from nanobook_core.risk import Book, CannotJudgeError, book_of, each_order, exact, not_negative
from nanobook_core.types import Side
from nanobook_risk.symbols import symbols
from nanobook_risk.wording import sign, status

_NAME = "Locate"


def _located(value: object) -> dict[str, Decimal | None]:
    names = sorted(symbols("located", value))
    if isinstance(value, Mapping):
        return {name: not_negative(f"located {name}", value[name]) for name in names}
    return dict.fromkeys(names)


@frozen(kw_only=True)
class Locate:
    """Fails a short sale of a symbol that is not `located`, or of more of it than is.

    `located` is a list of symbols that are easy to borrow, or quantities by symbol. A sale is short
    if, with all others of its symbol, the open ones too, it could be of more than is held. What the
    instrument says cannot be shorted fails.

    Raises:
        TypeError: `located` is neither, or a quantity no number.
        ValidationError: a symbol is blank, a quantity negative or not finite.

    """

    located: dict[str, Decimal | None] = field(converter=_located)

    @exact(_NAME)
    def evaluate(self, request: RiskRequest) -> Iterable[RiskResult]:
        """One finding an order."""
        book = book_of(request)
        return each_order(_NAME, request.orders, lambda order: self._judge(book, order))

    def _judge(self, book: Book, order: RiskOrder) -> RiskResult:
        symbol = order.symbol
        line = book.lines[symbol]
        if line.fault:
            raise CannotJudgeError(line.fault)
        instrument = book.request.instruments.get(symbol)
        short = -line.if_sold
        most = self.located.get(symbol)
        if order.side is Side.BUY or book.reduces(order):
            is_within, detail = True, "no short sale"
        elif instrument is not None and not instrument.shortable:
            is_within, detail = False, "cannot be sold short"
        elif symbol not in self.located:
            is_within, detail = False, "is not located"
        elif most is None:
            is_within, detail = True, f"{short} short, located"
        else:
            is_within = short <= most
            detail = f"{short} short {sign(is_within=is_within)} {most} located"
        return RiskResult(
            name=_NAME,
            status=status(is_within=is_within),
            detail=f"{symbol}: {detail}",
            symbol=symbol,
            value=short,
            limit=most,
            unit="shares",
        )
