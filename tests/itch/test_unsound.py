"""The suites catch what unsound kernels do wrong: the model with one defect each."""

import numpy as np
import pytest
from tests.itch import model
from tests.unshrunk import unshrunk

from nanobook_core.contracts.itch import ItchMemory
from nanobook_core.errors import ItchError
from nanobook_itch.testing.suite import ItchBooksSuite, ItchDecodeSuite


def breaks(suite, law, kernel):
    law, _, reason = law.partition(" ")
    test = getattr(suite, law)
    if hasattr(test, "hypothesis"):
        test = unshrunk(test, max_examples=1000)
    try:
        test(suite(), kernel=kernel, **({"reason": reason} if reason else {}))
    except BaseException:  # noqa: BLE001 - a kernel that raises breaks the law as well
        return True
    return False


# Decoders


def changed(change):
    """A decoder whose result is changed."""

    def decode(data, memory, /, **options):
        found = model.decode(data, memory, **options)
        change(found, memory)
        return found

    return decode


def signs_references(found, _):
    found.families["order"]["match"] &= 2**63 - 1


def forgets_locates(found, _):
    found.families["system"]["locate"] = 0


def numbers_runs(found, _):
    found.index["sequence"] -= found.index["sequence"][:1].sum() if len(found.index) else 0


def forgets_symbols(_, memory):
    memory.symbols[:] = b""


def remembers_on_error(data, memory, /, **options):
    try:
        return model.decode(data, memory, **options)
    except ItchError:
        memory.sequence += 1
        raise


def looks_at_what_is_wanted_only(data, memory, /, **options):
    if options["types"] is not None and "S" not in options["types"]:
        options["types"] = options["types"] | {"S"}
    return model.decode(data, memory, **options)


def includes_the_end(data, memory, /, **options):
    return model.decode(data, memory, **{**options, "end": min(options["end"] + 1, 2**63 - 1)})


def stops_at_a_problem(data, memory, /, **options):
    found = model.decode(data, memory, **options)
    if found.problems:
        return model.decode(data[: found.problems[0].offset], ItchMemory(), **options)
    return found


def takes_text(data, memory, /, **options):
    return model.decode(data.encode() if isinstance(data, str) else data, memory, **options)


@pytest.mark.parametrize(
    ("kernel", "law"),
    [
        (object(), "test_it_fulfils_the_contract"),
        (changed(signs_references), "test_no_field_is_lost"),
        (changed(forgets_locates), "test_no_field_is_lost"),
        (changed(numbers_runs), "test_runs_are_the_whole"),
        (changed(forgets_symbols), "test_runs_are_the_whole"),
        (remembers_on_error, "test_strict_reading_stops_where_it_is_wrong bad_side"),
        (looks_at_what_is_wanted_only, "test_filters_leave_the_rest_out"),
        (includes_the_end, "test_filters_leave_the_rest_out"),
        (stops_at_a_problem, "test_lenient_reading_goes_on too_large"),
        (takes_text, "test_it_takes_any_contiguous_bytes_and_leaves_them_alone"),
    ],
)
def test_an_unsound_decoder_is_caught(kernel, law):
    assert breaks(ItchDecodeSuite, law, kernel)


# Books


class CancelsWholly(model.Books):
    """As the original: a partial cancel takes all."""

    def change(self, kind, row):
        order = self.find(row["reference"])
        super().change("D" if kind == "X" and order else kind, row)


class DropsExecutions(model.Books):
    """As the original."""

    def change(self, kind, row):
        if kind not in "EC":
            super().change(kind, row)


class KeepsThePlaceInTheQueue(model.Books):
    def change(self, kind, row):
        order = self.find(row["reference"])
        super().change(kind, row)
        if kind == "U" and order is not None and self.live:
            self.live[-1]["rank"] = order["rank"]
            self.live.sort(key=lambda each: each["rank"])


class TakesTheReferenceAlone(model.Books):
    """A replacement keeps the old reference."""

    def change(self, kind, row):
        if kind == "U":
            row["new_reference"] = row["reference"]
        super().change(kind, row)


class SwapsTheAggressor(model.Books):
    def write(self, name, row):
        if name == "trades" and row.get("side"):
            row = {**row, "side": b"B" if row["side"] == b"S" else b"S"}
        super().write(name, row)


class TradesAtTheOrdersPrice(model.Books):
    def write_execution(self, row, order, shares):
        super().write_execution({**row, "price": order["price"]}, order, shares)


class WritesWithoutAChange(model.Books):
    def write_book(self, locate, before):
        super().write_book(locate, {place: [[], []] for place in before})


class ForgetsCounts(model.Books):
    def levels(self, *arguments):
        levels = super().levels(*arguments)
        levels["count"] = np.minimum(levels["count"], 1)
        return levels


class SortsAsksDown(model.Books):
    def levels(self, locate, side, n=None, /):
        levels = super().levels(locate, side)
        return (levels[::-1] if side == b"S" else levels)[:n]


class GoesOnAfterAnError(model.Books):
    def feed(self, data, /, until=None):
        self.error = None
        return super().feed(data, until)


class AppliesBeforeItChecks(model.Books):
    def wrong(self, kind, reason, **found):
        if reason == "excess":
            self.live.clear()
        super().wrong(kind, reason, **found)


class StopsAfterTheTime(model.Books):
    def feed(self, data, /, until=None):
        return super().feed(data, None if until is None else until + 1)


class WritesTheGridEarly(model.Books):
    def arrive(self, time):
        self.write_grid(time + 1)


class WritesOutsideTheWindow(model.Books):
    def __init__(self, **options):
        super().__init__(**{**options, "start": 0})


class HandsOutTwice(model.Books):
    def take(self):
        rows = self.rows
        taken = super().take()
        self.rows = rows
        return taken


class KeepsAllSymbols(model.Books):
    def __init__(self, **options):
        super().__init__(**{**options, "symbols": None})


class RestoresNoTime(model.Books):
    def restore(self, orders, memory, /):
        memory.sequence = 0
        super().restore(orders, memory)


class CountsOnlyWhatItKeeps(model.Books):
    @property
    def n_problems(self):
        return model.Counter(problem.reason for problem in self.problems)

    @n_problems.setter
    def n_problems(self, counter):
        pass


@pytest.mark.parametrize(
    ("kernel", "law"),
    [
        (CancelsWholly, "test_orders_are_those_that_live"),
        (DropsExecutions, "test_orders_are_those_that_live"),
        (KeepsThePlaceInTheQueue, "test_orders_are_those_that_live"),
        (TakesTheReferenceAlone, "test_orders_are_those_that_live"),
        (SwapsTheAggressor, "test_it_writes_trades"),
        (TradesAtTheOrdersPrice, "test_it_writes_trades"),
        (WritesWithoutAChange, "test_it_writes_the_books_as_they_change"),
        (ForgetsCounts, "test_levels_are_sums_of_orders"),
        (SortsAsksDown, "test_levels_are_sums_of_orders"),
        (GoesOnAfterAnError, "test_strict_reading_stops_where_it_is_wrong no_shares"),
        (AppliesBeforeItChecks, "test_strict_reading_stops_where_it_is_wrong excess"),
        (StopsAfterTheTime, "test_it_stops_at_a_time"),
        (WritesTheGridEarly, "test_on_a_grid_it_writes_the_books_of_those_times"),
        (WritesOutsideTheWindow, "test_rows_are_of_a_window_and_books_of_all"),
        (HandsOutTwice, "test_tables_are_as_the_contract_has_them"),
        (KeepsAllSymbols, "test_of_some_symbols_it_has_only_those"),
        (RestoresNoTime, "test_restored_books_go_on_as_those_they_were_made_from"),
        (CountsOnlyWhatItKeeps, "test_it_keeps_a_thousand_problems_and_counts_all"),
    ],
)
def test_unsound_books_are_caught(kernel, law):
    assert breaks(ItchBooksSuite, law, kernel)


@pytest.mark.parametrize(
    ("suite", "kernel"), [(ItchDecodeSuite, model.decode), (ItchBooksSuite, model.Books)]
)
def test_sound_ones_are_not(suite, kernel):
    """By the quickest laws: `test_suites.py` has all."""
    assert not breaks(suite, "test_it_fulfils_the_contract", kernel)
    assert not breaks(suite, "test_it_sees_the_mark_of_the_end", kernel)
    assert not breaks(suite, "test_it_keeps_a_thousand_problems_and_counts_all", kernel)
