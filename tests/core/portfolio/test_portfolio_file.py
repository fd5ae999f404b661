import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def test_a_file_without_our_keys_is_read(tmp_path):
    document = json.loads((DATA / "portfolio.json").read_text())
    for key in ("order", "last_prices", "ruined_at"):
        del document[key]
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps(document, indent=2))
    portfolio = Portfolio.load_json(str(path))
    assert portfolio.equity_curve() == traded().equity_curve()
    assert portfolio.total_equity({"B": 990}) == traded().total_equity({"B": 990})
    with pytest.raises(ValidationError, match="'B' is held, and has no price yet"):
        portfolio.total_equity({"A": 321})


steps = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from("AB"), st.sampled_from([0.0, 0.5, 1.0, -0.5])),
        st.fixed_dictionaries({"A": st.integers(1, 300), "B": st.integers(90, 110)}),
    ),
    max_size=6,
)


@given(steps, steps)
def test_a_loaded_portfolio_goes_on_as_the_saved_one(tmp_path_factory, before, after):
    path = tmp_path_factory.mktemp("p") / "p.json"
    portfolio = Portfolio(100_000, CostModel(15))
    for weights, prices in before:
        portfolio.rebalance_simple(weights, prices)
        portfolio.record_return(prices)
    portfolio.save_json(path)
    loaded = Portfolio.load_json(path)
    for weights, prices in [*after, ({}, {"A": 100, "B": 100})]:
        for each in (portfolio, loaded):
            each.rebalance_simple(weights, prices)
            each.record_return(prices)
        assert loaded.positions() == portfolio.positions()
        assert list(loaded.positions()) == list(portfolio.positions())
        assert loaded.equity_curve() == portfolio.equity_curve()
        assert loaded.returns() == portfolio.returns()
        assert (loaded.cash, loaded.ruined_at) == (portfolio.cash, portfolio.ruined_at)


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
