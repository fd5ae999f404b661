"""`nanobook.plan`: from targets and a broker to trades, and when there are none to be had."""

import datetime as dt
import json
import re
from decimal import Decimal
from pathlib import Path

import pytest
from attrs import evolve

import nanobook
from nanobook_core.contracts import BrokerOrder, ConnectionState, Instrument, Quote
from nanobook_core.errors import PolicyError, ValidationError
from nanobook_rebalancer.config import Config, RiskSettings
from nanobook_rebalancer.errors import InputError, PlanError
from nanobook_rebalancer.planner import drifted

QUOTES = {"AAPL": ("149.99", "150.01"), "MSFT": ("300.00", "300.10"), "OLD": ("9.99", "10.01")}
WEIGHTS = {"AAPL": 0.2, "MSFT": -0.1}
NOW = "2026-02-08T15:30:00Z"
DOCUMENT = {
    "timestamp": NOW,
    "metadata": {"id": "run 7"},
    "targets": [{"symbol": "AAPL", "weight": 0.2}, {"symbol": "MSFT", "weight": -0.1}],
}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("work"))


def paper(**settings):
    return nanobook.PaperBroker(**{"quotes": QUOTES, **settings})


def traded(plan):
    return [str(leg) for leg in plan.legs]


def test_what_is_wanted_is_traded_and_nothing_is_sent():
    with paper() as broker:
        broker.submit_order("OLD", "buy", 100)
        before = broker.fills()
        plan = nanobook.plan(WEIGHTS, broker=broker, id="run 7")
        assert traded(plan) == [
            "SELL 100 OLD at 9.98 (close long)",
            "BUY 1333 AAPL at 150.09 (open)",
            "SELL SHORT 333 MSFT at 299.85 (open short)",
        ]
        assert plan.risk.ok
        assert str(plan.cost) == "$6.18 commission + $150.43 slippage = $156.61"
        assert (plan.window, plan.account_id, plan.currency) == ("run 7", "PAPER", "USD")
        assert plan.positions == {"OLD": 100}
        assert (broker.open_orders("all"), broker.fills()) == ([], before)
        assert broker.connection().state is ConnectionState.READY


def test_weights_a_document_and_a_file_are_one_plan(tmp_path):
    path = tmp_path / "target.json"
    stamp = dt.datetime(2026, 2, 8, 15, 30, tzinfo=dt.UTC)
    nanobook.weights_to_target(WEIGHTS, path, timestamp=stamp, id="run 7")
    assert json.loads(path.read_text()) == DOCUMENT
    plans = [
        nanobook.plan(target, broker=paper(), id="run 7")
        for target in (WEIGHTS, DOCUMENT, path, str(path))
    ]
    assert len({tuple(order.client_order_id for order in plan.orders) for plan in plans}) == 1
    assert len({tuple(traded(plan)) for plan in plans}) == 1
    assert nanobook.plan(path, broker=paper()).window == "run 7"


def test_weights_of_zero_are_closed_and_weights_may_be_a_series():
    pandas = pytest.importorskip("pandas")
    series = pandas.Series({"AAPL": 0.2, "MSFT": 0.0})
    assert traded(nanobook.plan(series, broker=paper())) == ["BUY 1333 AAPL at 150.09 (open)"]


def test_once_the_orders_have_filled_nothing_is_left_to_do():
    with paper() as broker:
        broker.submit_order("OLD", "buy", 100)
        for order in nanobook.plan(WEIGHTS, broker=broker).orders:
            broker.submit_order(order)
        assert {held.symbol: held.quantity for held in broker.positions()} == {
            "AAPL": 1333,
            "MSFT": -333,
        }
        again = nanobook.plan(WEIGHTS, broker=broker)
        assert again.legs == ()
        assert "No rebalancing needed" in str(again)


def test_a_broker_by_name_is_set_up_by_the_config(tmp_path):
    (tmp_path / "quotes.csv").write_text("symbol,bid,ask\nAAPL,149.99,150.01\n")
    config = tmp_path / "config.toml"
    config.write_text(
        '[broker]\nname = "paper"\nquotes = "quotes.csv"\ncash = 1000\naccount_id = "MINE"\n'
        "[risk]\nmin_trade_usd = 300.01\nmax_position_pct = 1.0\n"
    )
    plan = nanobook.plan({"AAPL": 0.3}, config=config)
    assert (plan.account_id, plan.legs) == ("MINE", ())
    assert plan.skipped[0].reason == "$300.00 is below the least of $300.01"
    plan = nanobook.plan({"AAPL": 0.5}, config=config)
    assert traded(plan) == ["BUY 3 AAPL at 150.09 (open)"]
    same = nanobook.plan({"AAPL": 0.3}, quotes=tmp_path / "quotes.csv", config={})
    assert traded(same) == ["BUY 2000 AAPL at 150.09 (open)"]


def test_constraints_go_before_the_config():
    document = DOCUMENT | {"constraints": {"min_trade_usd": 150_000, "max_position_pct": 0.1}}
    plan = nanobook.plan(document, broker=paper())
    assert traded(plan) == ["BUY 1333 AAPL at 150.09 (open)"]
    assert [(trade.symbol, trade.reason) for trade in plan.skipped] == [
        ("MSFT", "$99,916.65 is below the least of $150,000.00")
    ]
    assert not plan.risk.ok
    assert "20.0% (AAPL) > 10.0% limit" in str(plan)


def test_further_checks_of_the_config_judge_the_plan():
    config = {"risk": {"checks": {"price_collar": {"max_pct": Decimal("0.0001"), "ticks": 0}}}}
    plan = nanobook.plan(WEIGHTS, broker=paper(), config=config)
    assert [found.name for found in plan.risk.failures] == ["Price collar", "Price collar"]


@pytest.mark.parametrize(
    ("checks", "message"),
    [
        ({"price_colar": {}}, "no risk_check named 'price_colar'"),
        ({"price_collar": {"max_pc": 1}}, "has no setting 'max_pc'; the nearest is 'max_pct'"),
        ({"price_collar": {"max_pct": -1}}, "max_pct must be >= 0"),
        ({"price_collar": {"max_pct": "5%"}}, "max_pct is a number, got '5%'"),
        ({"max_quantity": {}}, "risk check 'max_quantity' needs the setting 'max_quantity'"),
        ({"leverage": {"max_leverage": 3}}, "risk check 'leverage' is always there"),
    ],
)
def test_a_further_check_that_cannot_be_is_an_input_error(checks, message):
    where = re.escape(f"config: risk.checks.{next(iter(checks))}: ")
    with pytest.raises(InputError, match=f"^{where}.*{re.escape(message)}"):
        nanobook.plan(WEIGHTS, broker=paper(), config={"risk": {"checks": checks}})


def test_the_broker_is_the_config_s_unless_one_is_named():
    settings = {"quotes": QUOTES, "account_id": "MINE", "state": "mine.sqlite"}
    config = {"broker": {"name": "paper", **settings}}
    assert nanobook.plan(WEIGHTS, config=config).account_id == "MINE"
    config["broker"]["name"] = "no_such_broker"
    with pytest.raises(InputError, match="no broker named 'no_such_broker'"):
        nanobook.plan(WEIGHTS, config=config)
    plan = nanobook.plan(WEIGHTS, config=config, broker="paper", quotes=QUOTES)
    assert plan.account_id == "PAPER"


def test_the_paper_account_is_kept_beside_the_audit_log():
    plan = nanobook.plan({"AAPL": 0.01}, quotes=QUOTES, id="one")
    assert plan.execute().status == "done"
    assert Path("paper.sqlite").exists()
    assert nanobook.plan({"AAPL": 0.01}, quotes=QUOTES, id="two").positions == {"AAPL": 66}
    assert nanobook.plan({"AAPL": 0.01}, broker=paper(), id="two").positions == {}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"csh": 1}, "mine.toml: broker.csh: unknown key; did you mean 'cash'?"),
        ({"foo": 1}, "mine.toml: broker.foo: unknown key; known are cash, quotes, state, costs"),
        ({"cash": "lots"}, "mine.toml: broker: cash is a number, got 'lots'"),
    ],
)
def test_a_setting_that_the_broker_does_not_take_is_named(settings, message):
    written = "".join(f"{key} = {value!r}\n" for key, value in settings.items())
    Path("mine.toml").write_text(f"[broker]\nname = 'paper'\n{written}")
    with pytest.raises(InputError, match="^" + re.escape(message)):
        nanobook.plan(WEIGHTS, config="mine.toml", quotes=QUOTES)


def test_a_config_that_names_plugins_has_a_registry_of_its_own(monkeypatch):
    monkeypatch.setenv("NANOBOOK_BLOCK", "nanobook-risk")
    with pytest.raises(PolicyError, match="the risk engine needs the checks of nanobook-risk"):
        nanobook.plan(WEIGHTS, quotes=QUOTES, config={"plugins": {"allow": []}})
    monkeypatch.delenv("NANOBOOK_BLOCK")
    assert nanobook.plan(WEIGHTS, quotes=QUOTES, config={"plugins": {"allow": []}}).risk.ok


def test_what_should_be_known_of_target_and_config_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("NANOBOOK_CANARY", "hunter2hunter2")
    path = tmp_path / "config.toml"
    path.write_text('[broker]\nname = "venue"\npassword = "env:NANOBOOK_CANARY"\n')
    path.chmod(0o644)
    document = DOCUMENT | {"timestamp": "2020-01-01T00:00:00Z"}
    plan = nanobook.plan(document, broker=paper(), config=path)
    assert plan.warnings[0].startswith("config.toml: anyone may read where the secrets are")
    assert plan.warnings[1].startswith("target: timestamp: ")
    assert plan.warnings[1] in str(plan)
    assert "hunter" not in str(plan) + repr(plan)


def quote(**changes):
    found = {"symbol": "AAPL", "bid": Decimal("149.99"), "ask": Decimal("150.01")} | changes
    return Quote(**found)


@pytest.mark.parametrize(
    ("quotes", "reason"),
    [
        ({}, r"^targets\[0\]\.symbol: 'AAPL' has no quote and no instrument$"),
        ({"AAPL": quote(bid=None)}, "AAPL: no usable quote, bid None and ask 150.01"),
        ({"AAPL": quote(bid=Decimal(151))}, "AAPL: no usable quote, bid 151 and ask 150.01"),
        ({"AAPL": quote(is_delayed=True)}, "AAPL: its quote is delayed"),
        ({"AAPL": quote(is_halted=True)}, "AAPL: its trading is halted"),
    ],
)
def test_a_symbol_without_a_price_that_can_be_used_stops_the_plan(quotes, reason):
    with pytest.raises(PlanError, match=reason):
        nanobook.plan({"AAPL": 0.2}, broker=paper(quotes=quotes))


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({"quote": {"received": None}}, "AAPL: its quote is older than 5 s, or of unknown age"),
        ({"quote": {"received": 0.0}}, "AAPL: its quote is older than 5 s, or of unknown age"),
        ({"quote": {"received": 1e12}}, "AAPL: its quote is older than 5 s, or of unknown age"),
        ({"quote": {"symbol": "GOOG"}}, "AAPL: its rules are those of AAPL, its quote is one of"),
        ({"instrument": {"symbol": "GOOG"}}, "AAPL: its rules are those of GOOG, its quote is"),
        ({"account": {"equity": Decimal("NaN")}}, "weights are of equity, which is NaN"),
        ({"account": {"equity": Decimal(0)}}, "weights are of equity, which is 0"),
        ({"account": {"account_id": "A|B"}}, r"no '\|' in an account"),
    ],
)
def test_answers_that_no_plan_can_be_made_of_stop_it(answers, reason):
    class Odd(nanobook.PaperBroker):
        def account(self):
            return evolve(super().account(), **answers.get("account", {}))

        def quote(self, symbol):
            return evolve(super().quote(symbol), **answers.get("quote", {}))

        def instrument(self, symbol):
            return evolve(super().instrument(symbol), **answers.get("instrument", {}))

    with pytest.raises((PlanError, ValidationError), match=reason):
        nanobook.plan({"AAPL": 0.2}, broker=Odd(quotes=QUOTES))


def test_a_position_that_is_there_twice_stops_the_plan():
    class Odd(nanobook.PaperBroker):
        def positions(self):
            return super().positions() * 2

    with Odd(quotes=QUOTES) as broker:
        broker.submit_order("OLD", "buy", 100)
        with pytest.raises(PlanError, match="OLD: it is held 2 times"):
            nanobook.plan({"AAPL": 0.2}, broker=broker)


def test_all_symbols_without_price_are_named():
    with pytest.raises(PlanError, match=r"\[1\].*'ZZZ' .*; .*\[2\].*'GOOG' "):
        nanobook.plan({"AAPL": 0.2, "ZZZ": 0.1, "GOOG": 0.1}, broker=paper())


def test_a_held_symbol_without_price_stops_the_plan_too():
    quotes = dict(QUOTES)
    with paper(quotes=quotes.get) as broker:
        broker.submit_order("OLD", "buy", 100)
        quotes["OLD"] = {"bid": "9.99"}
        with pytest.raises(PlanError, match="OLD: no usable quote"):
            nanobook.plan(WEIGHTS, broker=broker)


def test_what_trades_in_another_currency_cannot_be_planned():
    broker = paper(instruments=[Instrument(symbol="AAPL", currency="EUR")], rates={"EUR": "1.1"})
    with pytest.raises(PlanError, match="AAPL: it trades in EUR, and the account is in USD"):
        nanobook.plan({"AAPL": 0.2}, broker=broker)


def test_a_cash_account_cannot_be_short():
    with pytest.raises(PlanError, match="MSFT: the target is short"):
        nanobook.plan(WEIGHTS, broker=paper(margin=False))


def test_more_orders_than_allowed_are_none():
    with pytest.raises(PlanError, match="2 orders generated, but max_orders_per_run is 1"):
        nanobook.plan(WEIGHTS, broker=paper(), config={"execution": {"max_orders_per_run": 1}})


def test_another_account_than_the_config_s_is_refused_and_paper_has_it_by_default():
    class Venue(nanobook.PaperBroker):
        name = "venue"

    config = {"account": {"id": "DU123"}}
    with pytest.raises(PlanError, match="the broker has account PAPER, and the config is for DU1"):
        nanobook.plan(WEIGHTS, broker=Venue(quotes=QUOTES), config=config)
    made = nanobook.plan(WEIGHTS, broker="paper", quotes=QUOTES, config=config)
    assert made.account_id == "DU123"


def test_what_was_not_connected_is_not_connected_afterwards():
    broker = paper()
    nanobook.plan(WEIGHTS, broker=broker)
    assert broker.connection().state is ConnectionState.DISCONNECTED
    with pytest.raises(PlanError):
        nanobook.plan({"ZZZ": 0.1}, broker=broker)
    assert broker.connection().state is ConnectionState.DISCONNECTED


def test_flatten_closes_everything():
    with paper() as broker:
        broker.submit_order("OLD", "buy", 100)
        document = {"timestamp": NOW, "targets": [], "allow_flatten": True}
        assert traded(nanobook.plan(document, broker=broker)) == [
            "SELL 100 OLD at 9.98 (close long)"
        ]


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({"target": 5}, TypeError),
        ({"target": None}, TypeError),
        ({"target": {"AAPL": "0.2"}}, TypeError),
        ({"target": {"AAPL": 1.2}}, ValidationError),
        ({"target": {}}, ValidationError),
        ({"target": {"targets": []}}, InputError),
        ({"target": "no such file.json"}, InputError),
        ({"broker": 5}, TypeError),
        ({"broker": nanobook.PaperBroker}, TypeError),
        ({"broker": "no_such_broker"}, InputError),
        ({"broker": None, "config": {"broker": {"name": "paper", "csh": 1}}}, InputError),
        ({"broker": paper(), "quotes": QUOTES}, TypeError),
        ({"config": 5}, TypeError),
        ({"config": {"risk": 5}}, InputError),
        ({"config": "no such file.toml"}, InputError),
        ({"id": " "}, InputError),
        ({"id": "a\nb"}, InputError),
        ({"id": 5}, InputError),
    ],
)
def test_a_wrong_argument_is_refused(arguments, kind):
    with pytest.raises(kind):
        nanobook.plan(**{"target": WEIGHTS, "broker": paper(), **arguments})


def test_it_prints_as_a_table():
    plan = nanobook.plan(WEIGHTS, broker=paper(), id="run 7")
    assert str(plan) == repr(plan)
    assert str(plan).splitlines()[:5] == [
        "Plan of run 7 for account PAPER, equity $1,000,000.00 USD",
        "#  Action      Symbol  Quantity   Limit    Mark        Value",
        "1  BUY         AAPL        1333  150.09     150  $199,950.00  open",
        "2  SELL SHORT  MSFT         333  299.85  300.05   $99,916.65  open short",
        "Estimated cost: $5.83 commission + $149.93 slippage = $155.76",
    ]
    assert "[PASS] Leverage: 0.30x <= 1.50x limit" in str(plan)


def test_its_html_is_escaped():
    html = nanobook.plan(WEIGHTS, broker=paper(), id="<b>&")._repr_html_()
    assert "<p>Plan of &lt;b&gt;&amp; for account PAPER, equity $1,000,000.00 USD</p>" in html
    assert "<td>SELL SHORT</td><td>MSFT</td><td>333</td>" in html
    assert "0.30x &lt;= 1.50x limit" in html


def test_defaults_are_those_of_an_empty_config():
    assert traded(nanobook.plan(WEIGHTS, broker=paper(), config=Config())) == traded(
        nanobook.plan(WEIGHTS, broker=paper())
    )
    assert isinstance(nanobook.plan(WEIGHTS, broker=paper()).orders[0], BrokerOrder)


@pytest.mark.parametrize(
    ("limit", "wider"), [("0.3", "0.303"), ("0.995", "1"), ("1", "1"), ("1.5", "1.5")]
)
def test_limits_of_exposure_are_wider_for_single_orders_and_never_narrower(limit, wider):
    found = drifted(RiskSettings(max_short_pct=Decimal(limit)), Decimal("0.01"))
    assert found.max_short_pct == Decimal(wider)
