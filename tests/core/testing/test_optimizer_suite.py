"""The suite accepts a sound optimizer and catches what each unsound one does wrong."""

import itertools

import numpy as np
import pytest
from tests.unshrunk import unshrunk

from nanobook_core.testing import OptimizerSuite


class Sound:
    """One over the range of each asset."""

    def __call__(self, returns, symbols=None):
        self.check(returns)
        weights = self.weigh(returns)
        return weights if symbols is None else dict(zip(symbols, weights.tolist(), strict=True))

    def check(self, returns):
        if len(returns) < 2 or not returns.shape[1]:
            raise ValueError(f"returns: too few, {returns.shape}")
        for period, row in enumerate(returns):
            if not np.isfinite(row).all():
                raise ValueError(f"returns: period {period}")

    def weigh(self, returns):
        weights = 1.0 / np.ptp(returns, axis=0)
        return weights / weights.sum()


class Leveraged(Sound):
    def weigh(self, returns):
        return 1.01 * super().weigh(returns)


class Short(Sound):
    def weigh(self, returns):
        weights = super().weigh(returns)
        return (
            weights
            if len(weights) < 2
            else weights + np.eye(len(weights))[0] * 2 - 2 / len(weights)
        )


class AnswersInSingles(Sound):
    def weigh(self, returns):
        return super().weigh(returns).astype(np.float32)


class AnswersWithAList(Sound):
    def weigh(self, returns):
        return super().weigh(returns).tolist()


class KeepsNumpyInTheDict(Sound):
    def __call__(self, returns, symbols=None):
        weights = super().__call__(returns)
        return weights if symbols is None else dict(zip(symbols, weights, strict=True))


class SortsTheSymbols(Sound):
    def __call__(self, returns, symbols=None):
        weights = super().__call__(returns, symbols)
        return weights if symbols is None else dict(sorted(weights.items()))


class ChangesTheReturns(Sound):
    def weigh(self, returns):
        returns -= returns.mean(axis=0)
        return super().weigh(returns)


class Wanders(Sound):
    calls = itertools.count()

    def weigh(self, returns):
        weights = super().weigh(returns) + 1e-9 * (next(self.calls) % 7)
        return weights / weights.sum()


class PrefersTheFirst(Sound):
    def weigh(self, returns):
        weights = super().weigh(returns)
        weights[0] *= 1.1
        return weights / weights.sum()


class MindsTheScale(Sound):
    def weigh(self, returns):
        weights = 1.0 / (np.ptp(returns, axis=0) + 0.01)
        return weights / weights.sum()


class TakesNaN(Sound):
    def check(self, returns):
        super().check(np.nan_to_num(returns))


class TakesOnePeriod(Sound):
    def check(self, returns):
        super().check(np.vstack([returns, returns]))

    def weigh(self, returns):
        return np.full(returns.shape[1], 1.0 / returns.shape[1])


def suite(optimizer_under_test):
    class Suite(OptimizerSuite):
        @pytest.fixture(scope="class")
        @classmethod
        def optimizer(cls):
            return optimizer_under_test

    return Suite


def breaks(optimizer, name):
    """Whether an optimizer breaks the law of that name."""
    laws = suite(optimizer)
    law = getattr(laws, name)
    marks = [mark.args[1] for mark in getattr(law, "pytestmark", ())] or [[None]]
    if hasattr(law, "hypothesis"):
        law = unshrunk(law)
    try:
        for value in marks[0]:
            law(laws(), optimizer, *([] if value is None else [value]))
    except (AssertionError, ExceptionGroup, pytest.fail.Exception):
        return True
    return False


class TestSound(OptimizerSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def optimizer(cls):
        return Sound()


@pytest.mark.parametrize(
    ("unsound", "law"),
    [
        (Leveraged, "test_weights_are_finite_and_sum_to_1"),
        (Short, "test_weights_are_finite_and_sum_to_1"),
        (AnswersInSingles, "test_weights_are_finite_and_sum_to_1"),
        (AnswersWithAList, "test_weights_are_finite_and_sum_to_1"),
        (KeepsNumpyInTheDict, "test_with_symbols_the_same_weights_are_a_dict"),
        (SortsTheSymbols, "test_with_symbols_the_same_weights_are_a_dict"),
        (ChangesTheReturns, "test_the_same_returns_give_the_same_weights_and_stay_as_they_are"),
        (Wanders, "test_the_same_returns_give_the_same_weights_and_stay_as_they_are"),
        (PrefersTheFirst, "test_columns_in_another_order_give_weights_in_that_order"),
        (MindsTheScale, "test_the_scale_of_returns_does_not_matter"),
        (TakesNaN, "test_a_value_that_is_not_finite_is_refused"),
        (TakesOnePeriod, "test_too_little_is_refused"),
    ],
)
def test_what_is_unsound_breaks_the_law_against_it(unsound, law):
    assert breaks(unsound(), law)
    assert not breaks(Sound(), law)
