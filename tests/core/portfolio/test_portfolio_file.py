import json
import os
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio import CostModel, Portfolio

DATA = Path(__file__).parents[2] / "data" / "portfolio"


def traded():
    portfolio = Portfolio(1_000_000, CostModel(10, 5, 100))
    portfolio.rebalance_simple({"B": 0.5, "A": -0.25}, {"A": 333, "B": 1000})
    portfolio.record_return({"A": 320, "B": 1010})
    portfolio.rebalance_simple({"B": 0.25}, {"A": 321, "B": 1010})
    portfolio.record_return({"A": 321, "B": 990})
    return portfolio


def test_the_file_is_the_originals_with_our_keys_after_its_own(tmp_path):
    path = tmp_path / "portfolio.json"
    traded().save_json(path)
    assert path.read_text() == (DATA / "portfolio.json").read_text()


# As version 0.9.3 of the original writes what `traded` does, with no new line at the end.
ORIGINAL = """{
  "cash": 758628,
  "positions": [
    [
      "A",
      {
        "symbol": "A",
        "quantity": 0,
        "avg_entry_price": 0,
        "realized_pnl": 9000,
        "total_cost": 0
      }
    ],
    [
      "B",
      {
        "symbol": "B",
        "quantity": 251,
        "avg_entry_price": 1000,
        "realized_pnl": 2490,
        "total_cost": 251000
      }
    ]
  ],
  "cost_model": {
    "commission_bps": 10,
    "slippage_bps": 5,
    "min_trade_fee": 100
  },
  "returns": [
    0.013626,
    -0.006420514075211173
  ],
  "equity_curve": [
    1000000,
    1013626,
    1007118
  ],
  "prev_equity": 1007118
}"""


def test_the_originals_text_is_the_start_of_ours(tmp_path):
    path = tmp_path / "portfolio.json"
    traded().save_json(path)
    assert path.read_text().startswith(ORIGINAL.removesuffix("\n}") + ",\n")


def test_a_file_of_the_original_is_read(tmp_path):
    path = tmp_path / "theirs.json"
    path.write_text(ORIGINAL)
    portfolio = Portfolio.load_json(str(path))
    assert portfolio.equity_curve() == traded().equity_curve()
    assert portfolio.returns() == traded().returns()
    assert portfolio.position("A") == traded().position("A")
    assert portfolio.total_equity({"B": 990}) == traded().total_equity({"B": 990})
    with pytest.raises(ValidationError, match="'B' is held, and has no price yet"):
        portfolio.total_equity({"A": 321})


def test_a_period_whose_return_the_original_left_out_is_read(tmp_path):
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps(json.loads(ORIGINAL) | {"returns": [0.013626]}))
    portfolio = Portfolio.load_json(path)
    assert portfolio.returns() == [0.013626]
    assert portfolio.equity_curve() == [1_000_000, 1_013_626, 1_007_118]


def everything(portfolio):
    return (
        portfolio.cash,
        list(portfolio.positions().items()),
        portfolio.returns(),
        portfolio.equity_curve(),
        portfolio.ruined_at,
        portfolio.compute_metrics(252.0, 0.0),
    )


WEIGHTS = st.dictionaries(st.sampled_from("AB"), st.sampled_from([0.0, 0.5, 1.5, -0.5, -2.0]))
PRICES = st.fixed_dictionaries({"A": st.integers(1, 300)}, optional={"B": st.integers(90, 110)})


class Twins(RuleBasedStateMachine):
    """One portfolio stays in memory; the other is in a file now and then."""

    @initialize(fee=st.sampled_from([0, 7]))
    def found(self, fee):
        self.kept, self.filed = (Portfolio(100_000, CostModel(15, 0, fee)) for _ in range(2))
        for each in (self.kept, self.filed):
            each.record_return({"A": 100, "B": 100})

    @rule()
    def save_and_load(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "p.json"
            self.filed.save_json(path)
            self.filed = Portfolio.load_json(path)

    @rule(weights=WEIGHTS, prices=PRICES)
    def rebalance(self, weights, prices):
        for each in (self.kept, self.filed):
            each.rebalance_simple(weights, prices)

    @rule(prices=PRICES)
    def record(self, prices):
        for each in (self.kept, self.filed):
            each.record_return(prices)

    @rule(symbol=st.sampled_from("AB"), price=st.integers(1, 300))
    def close(self, symbol, price):
        closed = [each.close_position_at(symbol, price) for each in (self.kept, self.filed)]
        assert closed[0] == closed[1]

    @invariant()
    def are_the_same(self):
        if hasattr(self, "kept"):
            assert everything(self.filed) == everything(self.kept)
            assert self.filed.snapshot([]) == self.kept.snapshot([])


TestALoadedPortfolioGoesOnAsTheSavedOne = Twins.TestCase
TestALoadedPortfolioGoesOnAsTheSavedOne.settings = settings(
    max_examples=60, stateful_step_count=20, deadline=None
)


@given(st.lists(st.tuples(WEIGHTS, PRICES), max_size=4))
def test_what_is_loaded_is_saved_as_the_same_text(periods):
    portfolio = Portfolio(100_000, CostModel(15))
    portfolio.record_return({"A": 100, "B": 100})
    for weights, prices in periods:
        portfolio.rebalance_simple(weights, prices)
        portfolio.record_return(prices)
    with tempfile.TemporaryDirectory() as folder:
        first, second = Path(folder) / "1.json", Path(folder) / "2.json"
        portfolio.save_json(first)
        Portfolio.load_json(first).save_json(second)
        assert second.read_text() == first.read_text()


def test_a_new_file_takes_the_place_of_the_old_one_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "p.json"
    path.write_text("old")
    traded().save_json(str(path))
    assert Portfolio.load_json(path).cash == 758_628
    assert [file.name for file in tmp_path.iterdir()] == ["p.json"]


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "p.json"
    traded().save_json(path)

    def full(descriptor):
        assert stat.S_ISREG(os.fstat(descriptor).st_mode)
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        Portfolio(5, CostModel(0)).save_json(path)
    assert Portfolio.load_json(path).cash == 758_628
    assert [file.name for file in tmp_path.iterdir()] == ["p.json"]


def test_only_basis_points_can_be_saved(tmp_path):
    class Free:
        def costs(self, quantity, price):
            return quantity * 0

    with pytest.raises(TypeError, match="only a portfolio with a CostModel can be saved"):
        Portfolio(100, Free()).save_json(tmp_path / "p.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "row",
    json.loads((DATA / "bad_portfolios.json").read_text()),
    ids=lambda row: row["fault"],
)
def test_a_file_with_a_fault_is_refused(tmp_path, row):
    path = tmp_path / "p.json"
    if "text" in row:
        path.write_text(row["text"])
    else:
        document = json.loads((DATA / "portfolio.json").read_text()) | row.get("change", {})
        for key in row.get("without", []):
            del document[key]
        path.write_text(json.dumps(document))
    with pytest.raises(ValidationError, match=r"p\.json is not a saved portfolio: ") as caught:
        Portfolio.load_json(path)
    assert row["message"] in str(caught.value)


def test_a_file_that_is_not_there_is_said_to_be(tmp_path):
    with pytest.raises(FileNotFoundError):
        Portfolio.load_json(tmp_path / "none.json")


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"cash": ' + b"9" * 5_000 + b"}", b"\xff{}"])
def test_a_file_that_json_itself_refuses_is_refused(tmp_path, content):
    path = tmp_path / "p.json"
    path.write_bytes(content)
    with pytest.raises(ValidationError, match=r"p\.json is not a saved portfolio: "):
        Portfolio.load_json(path)
