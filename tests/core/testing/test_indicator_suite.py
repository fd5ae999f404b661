"""The suite accepts a sound indicator and catches what each unsound one does wrong."""

import numpy as np
import pytest

from nanobook_core.testing import IndicatorSuite


class Suite(IndicatorSuite):
    warm_up = 1


class OfLists(Suite):
    takes_panels = starts_late = False


SUITE = Suite()
LAWS = [name for name in dir(IndicatorSuite) if name.startswith("test_")]


def change(close):
    """Change since the period before."""
    close = np.asarray(close, np.float64)
    changes = np.full(close.shape, np.nan)
    changes[1:] = close[1:] - close[:-1]
    return changes


def with_its_mean(close):
    changes = change(close)
    return changes, changes * 0.5


def is_shorter(close):
    return change(close)[1:]


def is_warm_too_early(close):
    return np.nan_to_num(change(close))


def is_infinite(close):
    return change(close) + np.inf


def is_narrow(close):
    return change(close).astype(np.float32)


def sees_the_future(close):
    return change(close) - np.mean(close) if len(close) else change(close)


def remembers():
    calls = []

    def indicator(close):
        calls.append(close)
        return change(close) + len(calls)

    return indicator


def changes_its_input(close):
    changes = change(close)
    close *= 2.0
    return changes


def hands_back_its_input(close):
    changes = change(close)
    close[:] = changes
    return close


def mixes_names(panel):
    return change(panel) + (change(panel).sum(axis=1, keepdims=True) if panel.ndim > 1 else 0.0)


def counts_from_the_start(close):
    changes = change(close)
    changes[2:] += np.arange(2, len(close)).reshape(-1, *[1] * (close.ndim - 1))
    return changes


@pytest.mark.parametrize("indicator", [change, with_its_mean])
@pytest.mark.parametrize("law", LAWS)
def test_a_sound_indicator_is_accepted(law, indicator):
    getattr(SUITE, law)(indicator)


@pytest.mark.parametrize(
    ("indicator", "law"),
    [
        (is_shorter, "test_it_is_of_the_inputs_length_and_nan_until_it_is_warm"),
        (is_warm_too_early, "test_it_is_of_the_inputs_length_and_nan_until_it_is_warm"),
        (is_infinite, "test_it_is_of_the_inputs_length_and_nan_until_it_is_warm"),
        (is_narrow, "test_it_is_of_the_inputs_length_and_nan_until_it_is_warm"),
        (sees_the_future, "test_the_future_does_not_change_the_past"),
        (remembers(), "test_the_same_inputs_give_the_same"),
        (changes_its_input, "test_the_inputs_are_not_changed_and_not_given_back"),
        (hands_back_its_input, "test_the_inputs_are_not_changed_and_not_given_back"),
        (mixes_names, "test_a_panel_is_its_columns"),
        (counts_from_the_start, "test_a_series_that_begins_late_is_one_that_begins"),
    ],
)
def test_an_unsound_one_is_caught(indicator, law):
    with pytest.raises((AssertionError, ValueError)):
        getattr(SUITE, law)(indicator)


def test_a_switch_turns_a_law_off():
    suite = OfLists()
    suite.test_a_panel_is_its_columns(mixes_names)
    suite.test_a_series_that_begins_late_is_one_that_begins(counts_from_the_start)
