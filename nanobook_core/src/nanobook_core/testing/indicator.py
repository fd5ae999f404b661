"""Laws of an indicator."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from nanobook_core.testing.law import law

Floats = NDArray[np.float64]

#: Seeds of series: walks, flat ones and ones that only rise, of whole cents.
_seeds = st.integers(0, 2**32 - 1)
_lengths = st.integers(0, 80)
_shapes = st.sampled_from(["walk", "flat", "rising"])


def bars(n: int, seed: int, shape: str = "walk") -> dict[str, Floats]:
    """Series of n bars: open, high, low, close and volume, by name."""
    draw = np.random.default_rng(seed)
    step = {"walk": draw.integers(-300, 301, n), "flat": np.zeros(n), "rising": np.full(n, 25)}
    close = (1000_00 + np.cumsum(step[shape])) / 100.0
    room = 0 if shape == "flat" else 200
    high, low = (draw.integers(0, room + 1, n) / 100.0 for _ in range(2))
    return {
        "open": np.concatenate([close[:1], close[:-1]]),
        "high": close + high,
        "low": close - low,
        "close": close,
        "volume": draw.integers(1, 10_000, n).astype(np.float64),
    }


class IndicatorSuite:
    """What an indicator must do: a function of series that gives one, or a tuple of several."""

    #: Which series it takes, in order: of open, high, low, close, volume.
    inputs: ClassVar[tuple[str, ...]] = ("close",)
    #: How many values at the start are NaN.
    warm_up: ClassVar[int]
    #: It takes panels of shape `(n_periods, n_names)` too.
    takes_panels = True
    #: NaN at the start is as if the series began after it.
    starts_late = True

    @pytest.fixture(scope="class")
    @classmethod
    def indicator(cls) -> Any:
        """Return the function under test, called with the inputs alone."""
        raise NotImplementedError("override the fixture `indicator`")

    def series(self, n: int, seed: int, shape: str = "walk") -> list[Floats]:
        """Inputs of n periods; override it where they are none of a bar."""
        found = bars(n, seed, shape)
        return [found[name] for name in self.inputs]

    @law
    @given(n=_lengths, seed=_seeds, shape=_shapes)
    def test_it_is_of_the_inputs_length_and_nan_until_it_is_warm(
        self, indicator: Any, n: int, seed: int, shape: str
    ) -> None:
        """And from then on a number; all NaN for a series that is too short, none for none."""
        for found in _outputs(indicator(*self.series(n, seed, shape))):
            assert found.dtype == np.float64
            assert found.shape == (n,)
            assert np.isnan(found).tolist() == [t < self.warm_up for t in range(n)]
            assert not np.isinf(found).any()

    @law
    @given(n=_lengths, cut=_lengths, seed=_seeds)
    def test_the_future_does_not_change_the_past(
        self, indicator: Any, n: int, cut: int, seed: int
    ) -> None:
        """What it says of a period is the same with or without those that follow, to the bit."""
        given_ = self.series(n, seed)
        whole = _outputs(indicator(*given_))
        until = _outputs(indicator(*(series[:cut] for series in given_)))
        for found, known in zip(whole, until, strict=True):
            assert found[:cut].tobytes() == known.tobytes()

    @law
    @given(n=_lengths, seed=_seeds)
    def test_the_inputs_are_not_changed_and_not_given_back(
        self, indicator: Any, n: int, seed: int
    ) -> None:
        """Who owns them may go on using them."""
        given_ = self.series(n, seed)
        kept = [series.copy() for series in given_]
        for found in _outputs(indicator(*given_)):
            assert not any(np.shares_memory(found, series) for series in given_)
        for series, before in zip(given_, kept, strict=True):
            assert series.tobytes() == before.tobytes()

    @law
    @given(n=_lengths, seed=_seeds)
    def test_the_same_inputs_give_the_same(self, indicator: Any, n: int, seed: int) -> None:
        """Ints, and every second value of a longer array, are the same inputs too."""
        given_ = [np.round(series) for series in self.series(n, seed)]
        forms = (
            given_,
            [series.astype(np.int64) for series in given_],
            [np.repeat(series, 2)[::2] for series in given_],
        )
        first, *others = ([f.tobytes() for f in _outputs(indicator(*form))] for form in forms)
        assert all(other == first for other in others)

    @law
    @given(n=_lengths, n_names=st.integers(0, 4), seed=_seeds)
    def test_a_panel_is_its_columns(self, indicator: Any, n: int, n_names: int, seed: int) -> None:
        """Each as if it were alone; skipped where it takes none."""
        if not self.takes_panels:
            return
        names = [self.series(n, seed + name) for name in range(n_names)]
        panels = [
            np.array([name[place] for name in names]).reshape(n_names, n).T
            for place in range(len(self.inputs))
        ]
        found = _outputs(indicator(*panels))
        assert all(panel.shape == (n, n_names) for panel in found)
        for place, name in enumerate(names):
            for panel, alone in zip(found, _outputs(indicator(*name)), strict=True):
                assert panel[:, place].tobytes() == alone.tobytes()

    @law
    @given(n=_lengths, late=st.integers(0, 20), seed=_seeds)
    def test_a_series_that_begins_late_is_one_that_begins(
        self, indicator: Any, n: int, late: int, seed: int
    ) -> None:
        """NaN at the start, of a name that is listed later, only moves what it says."""
        if not self.starts_late:
            return
        given_ = self.series(n, seed)
        moved = _outputs(indicator(*(np.append(np.full(late, np.nan), s) for s in given_)))
        for found, alone in zip(moved, _outputs(indicator(*given_)), strict=True):
            assert np.isnan(found[:late]).all()
            np.testing.assert_array_equal(found[late:], alone)


def _outputs(found: Any) -> tuple[Floats, ...]:
    return found if isinstance(found, tuple) else (found,)
