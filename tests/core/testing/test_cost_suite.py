"""The suite accepts a sound cost model and catches what each unsound one does wrong."""

import numpy as np
import pytest

from nanobook_core.testing import CostModelSuite


class Sound:
    """A hundredth of the notional, rounded up; a notional beyond 2^62 costs 2^62."""

    def costs(self, quantity, price):
        pairs = zip(quantity.tolist(), price.tolist(), strict=True)
        return np.array([self.cost(lots, paid) for lots, paid in pairs], np.int64)

    def cost(self, lots, paid):
        return -(-min(abs(lots) * paid, 2**62) // 100)


class PaysRebates(Sound):
    def cost(self, lots, paid):
        return super().cost(lots, paid) - 1


class ChargesForNothing(Sound):
    def cost(self, lots, paid):
        return max(super().cost(lots, paid), 100)


class Wraps(Sound):
    def costs(self, quantity, price):
        return np.abs(quantity * price) // 100


class WrapsOnlyInTheRate(Sound):
    def costs(self, quantity, price):
        notional = [min(abs(q) * p, 2**62) for q, p in zip(quantity.tolist(), price.tolist())]  # noqa: B905 - of one length
        return np.array(notional, np.int64) * 15 // 10_000


class AnswersInFloats(Sound):
    def costs(self, quantity, price):
        return super().costs(quantity, price).astype(np.float64)


class AnswersWithTheSum(Sound):
    def costs(self, quantity, price):
        return super().costs(quantity, price).sum(keepdims=True)


class DiscountsTheBatch(Sound):
    def costs(self, quantity, price):
        costs = super().costs(quantity, price)
        return costs if len(costs) < 2 else costs // 2


class DiscountsByMemory(Sound):
    volume = 0

    def cost(self, lots, paid):
        self.volume += abs(lots)
        return super().cost(lots, paid) + self.volume % 7 if lots else 0


class ChangesItsInput(Sound):
    def costs(self, quantity, price):
        np.abs(quantity, out=quantity)
        return super().costs(quantity, price)


class TaxesSales(Sound):
    def cost(self, lots, paid):
        return super().cost(lots, paid) * (2 if lots < 0 else 1)


class DiscountsSize(Sound):
    def cost(self, lots, paid):
        return min(super().cost(lots, paid), 2**61) if abs(lots) < 10_000 else 0


class TaxesSalesAndSaysSo(CostModelSuite):
    charges_both_sides_alike = False


class DiscountsSizeAndSaysSo(CostModelSuite):
    monotone_in_quantity = False


LAWS = [name for name in vars(CostModelSuite) if name.startswith("test_")]


def breaks(model, law, suite=CostModelSuite):
    try:
        getattr(suite(), law)(model)
    except Exception:  # noqa: BLE001 - a model that raises breaks the law as well
        return True
    return False


def test_a_sound_model_breaks_no_law():
    assert [law for law in LAWS if breaks(Sound(), law)] == []


@pytest.mark.parametrize(
    ("model", "law"),
    [
        (object(), "test_it_fulfils_the_contract"),
        (AnswersInFloats(), "test_it_answers_with_one_int64_for_each_trade"),
        (AnswersWithTheSum(), "test_it_answers_with_one_int64_for_each_trade"),
        (PaysRebates(), "test_a_cost_is_never_negative"),
        (ChargesForNothing(), "test_no_quantity_costs_nothing"),
        (ChangesItsInput(), "test_the_trades_are_not_changed"),
        (DiscountsByMemory(), "test_the_same_trades_cost_the_same"),
        (DiscountsTheBatch(), "test_a_trade_costs_the_same_in_any_company"),
        (TaxesSales(), "test_both_sides_cost_alike"),
        (DiscountsSize(), "test_a_larger_trade_costs_no_less"),
        (Wraps(), "test_a_larger_trade_costs_no_less"),
        (WrapsOnlyInTheRate(), "test_a_larger_trade_costs_no_less"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_an_unsound_model_is_caught_by_the_law_it_breaks(model, law):
    assert breaks(model, law)


@pytest.mark.parametrize(
    ("model", "law", "suite"),
    [
        (TaxesSales(), "test_both_sides_cost_alike", TaxesSalesAndSaysSo),
        (DiscountsSize(), "test_a_larger_trade_costs_no_less", DiscountsSizeAndSaysSo),
    ],
    ids=["both sides", "size"],
)
def test_a_switch_turns_off_its_law(model, law, suite):
    assert breaks(model, law)
    assert not breaks(model, law, suite)
