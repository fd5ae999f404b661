"""The suite accepts a sound fill model and catches what each unsound one does wrong."""

import numpy as np
import pytest

from nanobook_core.contracts import Fills
from nanobook_core.testing import FillModelSuite


class Sound:
    """Fills odd lots apart, one unit worse; no more than 1000 lots of an order."""

    def fill(self, request):
        rows = []
        for order, quantity in enumerate(request.quantity.tolist()):
            rows += self.parts(order, quantity, int(request.price[order]))
        return self.fills(np.array(rows, np.int64).reshape(-1, 3))

    def parts(self, order, quantity, price):
        sign, size = (1, quantity) if quantity > 0 else (-1, -quantity)
        even = min(size, 1000) // 2 * 2
        rows = [(order, sign * even, price)] if even else []
        return [*rows, (order, sign, price + sign)] if size % 2 else rows

    def fills(self, rows):
        return Fills(order=rows[:, 0], quantity=rows[:, 1], price=rows[:, 2])


class AnswersInFloats(Sound):
    def fills(self, rows):
        return Fills(order=rows[:, 0], quantity=rows[:, 1], price=rows[:, 2] * 1.0)


class AnswersWithOnePrice(Sound):
    def fills(self, rows):
        return Fills(order=rows[:, 0], quantity=rows[:, 1], price=np.array([100]))


class AnswersWithATable(Sound):
    def fills(self, rows):
        return Fills(order=rows[:, :1], quantity=rows[:, 1:2], price=rows[:, 2:])


class FillsWhatNobodyOrdered(Sound):
    def parts(self, order, quantity, price):
        return super().parts(order + 1, quantity, price)


class CountsFromTheEnd(Sound):
    def parts(self, order, quantity, price):
        return super().parts(order - 1, quantity, price)


class FillsTheOtherSide(Sound):
    def parts(self, order, quantity, price):
        return super().parts(order, -quantity, price)


class FillsTooMuchInParts(Sound):
    def parts(self, order, quantity, price):
        return [(order, quantity, price), (order, 1 if quantity > 0 else -1, price)]


class FillsNothingAndSaysSo(Sound):
    def parts(self, order, quantity, price):
        return [*super().parts(order, quantity, price), (order, 0, price)]


class Gives(Sound):
    def parts(self, order, quantity, price):
        return [(order, quantity, 0 * price)]


class ChangesItsRequest(Sound):
    def fill(self, request):
        answer = super().fill(request)
        request.price[:] = 1
        return answer


class DrawsLots(Sound):
    luck = np.random.default_rng(5)

    def parts(self, order, quantity, price):
        return [(order, quantity, price + int(self.luck.integers(1, 1000)))]


class FillsNothing(Sound):
    def parts(self, *_):
        return []


class OnlyBuys(Sound):
    def parts(self, order, quantity, price):
        return super().parts(order, quantity, price) if quantity > 0 else []


LAWS = [name for name in vars(FillModelSuite) if name.startswith("test_")]


def suite_of(model):
    class Suite(FillModelSuite):
        def make(self):
            return model()

    return Suite()


def breaks(model, law):
    test = getattr(suite_of(model), law)
    sides = [(1,), (-1,)] if law == "test_an_order_can_be_filled" else [()]
    try:
        for side in sides:
            test(*side)
    except Exception:  # noqa: BLE001 - a model that raises breaks the law as well
        return True
    return False


def test_a_sound_model_breaks_no_law():
    assert [law for law in LAWS if breaks(Sound, law)] == []


@pytest.mark.parametrize(
    ("model", "law"),
    [
        (object, "test_it_fulfils_the_contract"),
        (AnswersInFloats, "test_fills_are_int64_vectors_of_one_length"),
        (AnswersWithOnePrice, "test_fills_are_int64_vectors_of_one_length"),
        (AnswersWithATable, "test_fills_are_int64_vectors_of_one_length"),
        (FillsWhatNobodyOrdered, "test_no_more_is_filled_than_was_asked_and_on_its_side"),
        (CountsFromTheEnd, "test_no_more_is_filled_than_was_asked_and_on_its_side"),
        (FillsTheOtherSide, "test_no_more_is_filled_than_was_asked_and_on_its_side"),
        (FillsTooMuchInParts, "test_no_more_is_filled_than_was_asked_and_on_its_side"),
        (FillsNothingAndSaysSo, "test_no_more_is_filled_than_was_asked_and_on_its_side"),
        (Gives, "test_no_more_is_filled_than_was_asked_and_on_its_side"),
        (ChangesItsRequest, "test_the_request_is_not_changed"),
        (DrawsLots, "test_the_same_requests_are_filled_alike"),
        (FillsNothing, "test_an_order_can_be_filled"),
        (OnlyBuys, "test_an_order_can_be_filled"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_an_unsound_model_is_caught_by_the_law_it_breaks(model, law):
    assert breaks(model, law)


def test_a_suite_without_a_model_says_what_to_override():
    with pytest.raises(NotImplementedError, match="override the method `make`"):
        FillModelSuite().make()
