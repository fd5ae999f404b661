"""Laws of a fill model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobook_core.contracts import FillModel, FillRequest, Fills
from nanobook_core.testing.law import law
from nanobook_core.types import INT64_MAX

#: Symbols of the requests; a model under test must know them, or fill nothing of them.
SYMBOLS = ("D", "B", "A", "C")

_sizes = st.sampled_from([1, 2, 99, 10_000, 2**31, 2**61]) | st.integers(1, 500)
_orders = st.dictionaries(
    st.integers(0, len(SYMBOLS) - 1),
    st.tuples(_sizes, st.sampled_from([1, -1]), st.integers(90, 110)),
    min_size=1,
)
#: By period: the orders of the weights, and the stops that follow them.
_periods = st.lists(st.tuples(_orders, st.none() | _orders), min_size=1, max_size=5)

Orders: TypeAlias = dict[int, tuple[int, int, int]]


def request(
    period: int, orders: Orders, *, is_stop: bool = False, filled: dict[int, int] | None = None
) -> FillRequest:
    """Orders of one period, by column: size, side and price.

    With lots `filled` before, by column, it is not the first of its period.
    """
    columns = sorted(orders)
    return FillRequest(
        period=period,
        is_first=filled is None,
        symbols=SYMBOLS,
        column=np.array(columns, np.int64),
        quantity=np.array([orders[c][0] * orders[c][1] for c in columns], np.int64),
        price=np.array([orders[c][2] for c in columns], np.int64),
        is_stop=np.full(len(columns), is_stop),
        filled=np.array([(filled or {}).get(c, 0) for c in columns], np.int64),
    )


def conversation(
    model: Any, periods: list[tuple[Orders, Orders | None]]
) -> Iterator[tuple[FillRequest, Fills]]:
    """Ask a model as a simulation does, for the orders of weights and then for those of stops."""
    for period, (orders, stops) in enumerate(periods):
        asked = request(period, orders)
        fills = model.fill(asked)
        yield asked, fills
        if stops is not None:
            filled: Counter[int] = Counter()
            for order, quantity in zip(fills.order.tolist(), fills.quantity.tolist(), strict=True):
                filled[int(asked.column[order])] += abs(quantity)
            asked = request(period, stops, is_stop=True, filled=filled)
            yield asked, model.fill(asked)


def _listed(fills: Fills) -> list[list[int]]:
    return [fills.order.tolist(), fills.quantity.tolist(), fills.price.tolist()]


class FillModelSuite:
    """What a fill model must do. Override `make`, which gives a model as it is at the start."""

    def make(self) -> Any:
        """Return a new model under test."""
        raise NotImplementedError("override the method `make`")

    def test_it_fulfils_the_contract(self) -> None:
        """It has `fill`."""
        assert isinstance(self.make(), FillModel)

    def most(self, period: int, symbol: str) -> int | None:  # noqa: ARG002 - to be overridden
        """Lots of a symbol that the model fills in a period at most, both sides together; or None.

        Override it where there is a limit, as a part of the volume.
        """
        return None

    @law
    @given(_periods)
    def test_fills_are_int64_vectors_of_one_length(self, periods: list[Any]) -> None:
        """Also where nothing is filled."""
        for _, fills in conversation(self.make(), periods):
            for vector in (fills.order, fills.quantity, fills.price):
                assert vector.dtype == np.int64
                assert vector.shape == fills.order.shape == (len(fills.order),)

    @law
    @given(_periods)
    def test_no_more_is_filled_than_was_asked_and_on_its_side(self, periods: list[Any]) -> None:
        """All parts of an order together, at prices of at least 1."""
        for asked, fills in conversation(self.make(), periods):
            left = [abs(quantity) for quantity in asked.quantity.tolist()]
            for order, quantity, price in zip(*_listed(fills), strict=True):
                assert 0 <= order < len(left)
                assert quantity * int(asked.quantity[order]) > 0
                assert 1 <= price <= INT64_MAX
                left[order] -= abs(quantity)
            assert min(left) >= 0

    @law
    @given(_periods)
    def test_weights_and_stops_of_a_period_share_what_there_is(self, periods: list[Any]) -> None:
        """No more than `most` is filled of a symbol in a period, over all requests."""
        filled: Counter[tuple[int, str]] = Counter()
        for asked, fills in conversation(self.make(), periods):
            for order, quantity in zip(fills.order.tolist(), fills.quantity.tolist(), strict=True):
                filled[asked.period, SYMBOLS[asked.column[order]]] += abs(quantity)
        for (period, symbol), lots in filled.items():
            most = self.most(period, symbol)
            assert most is None or lots <= most

    @law
    @given(_periods)
    def test_the_request_is_not_changed(self, periods: list[Any]) -> None:
        """The simulator uses its arrays again."""
        model = self.make()
        for period, (orders, _) in enumerate(periods):
            asked, kept = request(period, orders), request(period, orders)
            model.fill(asked)
            for name in ("column", "quantity", "price", "is_stop", "filled"):
                assert getattr(asked, name).tolist() == getattr(kept, name).tolist()

    @law
    @given(_periods)
    def test_the_same_requests_are_filled_alike(self, periods: list[Any]) -> None:
        """A model has no chance in it."""
        first, second = (
            [_listed(fills) for _, fills in conversation(self.make(), periods)] for _ in range(2)
        )
        assert first == second

    @pytest.mark.parametrize("side", [1, -1])
    def test_an_order_can_be_filled(self, side: int) -> None:
        """One lot at the price, of some symbol in the first period: else nothing is tested here."""
        fills = [self.make().fill(request(0, {c: (1, side, 100)})) for c in range(len(SYMBOLS))]
        assert any(len(found.order) for found in fills)
