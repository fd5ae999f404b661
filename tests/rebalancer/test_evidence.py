"""What of a venue's answers counts as proof, and what does not."""

import datetime as dt
from decimal import Decimal

import pytest
from attrs import evolve
from tests.rebalancer.run_world import FORCE, CrashError, FaultyBroker, Recorder, World

from nanobook_core.contracts import BrokerOrder, OutcomeUnknownError
from nanobook_rebalancer.client_id import client_id
from nanobook_rebalancer.holdings import Holdings
from nanobook_rebalancer.options import Options

ONE = {"AAA": 0.5}
DEAR = (Decimal(140), Decimal(141))
SOME = {"bid": "99.95", "ask": "100.05", "ask_size": "200"}


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


class HardOfHearing(FaultyBroker):
    """Has the order, says once that it does not know it, and nothing else."""

    def find_order(self, client_order_id, symbol=None):
        super().find_order(client_order_id, symbol)
        if self.count("find_order") > 1:
            raise OutcomeUnknownError("no answer")


def test_one_absence_among_silences_proves_nothing(world):
    world.broker = world.new_broker(HardOfHearing)
    world.broker.faults["submit_order"].append("answerless")
    result = world.run(ONE)
    assert (result.status, result.exit_code) == ("review", 4)
    assert world.events.count("order_intent") == 1


class Belated(FaultyBroker):
    """Tells of the fills of an order only after it was said to be cancelled without any."""

    def order_status(self, order):
        return evolve(super().order_status(order), filled_quantity=Decimal(0))

    def positions(self):
        return []


def test_every_order_is_asked_for_once_more_at_the_end(world):
    world.execution["order_timeout_secs"] = 1
    world.broker = world.new_broker(Belated)
    world.broker.faults["submit_order"].append(lambda: world.quotes.update(AAA=SOME))
    world.broker.faults["order_status"].append(lambda: world.quotes.update(AAA=DEAR))
    result = world.run(ONE)
    assert [each["shares"] for each in world.data("order_filled")] == ["200"]
    assert "AAA: 0 held, 200 explained" in result.message


class Telling(FaultyBroker):
    """Lists its executions as `told` makes of them."""

    told = staticmethod(lambda fills: fills)

    def fills(self, since=None, symbol=None):
        fills = self.told(super().fills(None, symbol))
        return [fill for fill in fills if since is None or fill.time >= since]


def test_executions_are_found_although_the_clock_of_the_venue_is_behind(world):
    world.execution["order_timeout_secs"] = 1
    world.broker = world.new_broker(Telling)
    world.broker.told = lambda fills: [
        evolve(fill, time=fill.time - dt.timedelta(hours=1)) for fill in fills
    ]
    world.broker.faults["submit_order"].append(lambda: world.quotes.update(AAA=SOME))
    world.broker.faults["order_status"].append(lambda: world.quotes.update(AAA=DEAR))
    world.run(ONE)
    assert world.events.index("order_filled") < world.events.index("cancel_intent")


@pytest.mark.parametrize(
    "odd",
    [
        {"quantity": Decimal("NaN")},
        {"quantity": Decimal("Infinity")},
        {"quantity": Decimal(0)},
        {"quantity": Decimal(-500)},
        {"price": Decimal("NaN")},
        {"price": Decimal("Infinity")},
    ],
)
def test_an_execution_that_can_be_none_is_not_taken_for_one(world, odd):
    asked = []

    def told(fills):
        asked.append(fills)
        return [evolve(fill, **odd) for fill in fills] if len(asked) == 1 else fills

    world.broker = world.new_broker(Telling)
    world.broker.told = told
    assert world.run(ONE).status == "done"
    assert [(each["shares"], each["price"]) for each in world.data("order_filled")] == [
        ("500", "100.05")
    ]


def test_an_execution_that_was_corrected_does_not_come_back(world):
    def told(fills):
        return [
            further
            for fill in fills
            for further in (evolve(fill, exec_id="x", corrects=fill.exec_id), fill)
        ]

    world.broker = world.new_broker(Telling)
    world.broker.told = told
    result = world.run(ONE)
    assert (result.status, result.report.trades[0].filled) == ("done", 500)
    assert [each["exec_id"] for each in world.data("order_filled")] == ["x"]


class Bust(Telling):
    """Takes an execution back once the order has ended."""

    def find_order(self, client_order_id, symbol=None):
        found = super().find_order(client_order_id, symbol)
        return evolve(found, filled_quantity=Decimal(0)) if found else found

    def positions(self):
        return [] if self.count("find_order") else super().positions()


def test_an_execution_that_was_taken_back_counts_no_more(world):
    asked = []

    def told(fills):
        asked.append(fills)
        bust = {"quantity": Decimal(0), "price": Decimal(0)}
        return (
            fills[:1]
            if len(asked) == 1
            else [
                *fills,
                *(evolve(fill, exec_id="x", corrects=fill.exec_id, **bust) for fill in fills),
            ]
        )

    world.broker = world.new_broker(Bust)
    world.broker.told = told
    result = world.run(ONE)
    assert (result.status, result.exit_code) == ("incomplete", 3)
    assert [(each["shares"], each["filled"]) for each in world.data("order_filled")] == [
        ("500", "500"),
        ("0", "0"),
    ]
    (trade,) = result.report.trades
    assert (trade.filled, trade.price, trade.slippage) == (0, None, 0)


class Boasting(Telling):
    """Says that an order has filled, of which it lists less than was ordered."""

    def order_status(self, order):
        found = super().order_status(order)
        return evolve(found, filled_quantity=min(found.filled_quantity, Decimal(300)))


def test_an_order_is_not_filled_before_all_of_it_is(world):
    world.broker = world.new_broker(Boasting)
    world.broker.told = lambda fills: [evolve(fill, quantity=Decimal(300)) for fill in fills]
    result = world.run(ONE)
    assert (result.status, result.exit_code) == ("review", 4)
    assert "its fills do not add up" in result.message
    assert "order_done" not in world.events


class Deaf(FaultyBroker):
    """Takes a cancel, and nothing comes of it."""

    def cancel_order(self, order):
        self.calls.append("cancel_order")


def test_an_order_without_a_record_is_cancelled_only_once_it_has_ended(world):
    order = BrokerOrder(
        "AAA", "buy", 7, "limit", Decimal(1), client_order_id=client_id("PAPER", "x", "AAA", 1, 1)
    )
    with world.new_broker() as broker:
        broker.submit_order(order)
    world.broker = world.new_broker(Deaf)
    result = world.run(ONE, Options(force=True, cancel_orphans=True))
    assert (result.status, result.exit_code) == ("review", 4)
    assert "it does not end" in result.message
    assert world.broker.count("submit_order") == 0


def test_what_was_left_open_in_one_account_is_not_asked_for_in_another(world):
    class Watching(Recorder):
        def recorded(self, event, data):
            if event == "order_submitted":
                raise CrashError

    world.broker.faults["submit_order"].append(lambda: world.quotes.update(AAA=DEAR))
    assert world.crash(ONE, screen=Watching())
    other = {"account_id": "OTHER", "state": world.folder / "other.sqlite"}
    world.broker = world.new_broker(**other)
    world.account = {"id": "OTHER", "type": "margin"}
    assert world.run({"BBB": 0.1}, FORCE, window="w2").status == "done"
    assert "recovered" not in world.events
    assert world.rebalancer().recover().message == "Nothing to recover."


def test_a_fee_that_is_taken_out_of_what_was_bought_explains_what_is_missing():
    holdings = Holdings()
    holdings.trade("BTC", Decimal(2))
    holdings.charge("BTC", Decimal("0.002"))
    assert holdings.unexplained({"BTC": Decimal("1.998")}) == []
    assert holdings.unexplained({"BTC": Decimal("1.997")}) == ["BTC: 1.997 held, 2 explained"]


class InKind(FaultyBroker):
    """Takes its fees in units of what was traded."""

    currency = taken_from = "AAA"

    def fills(self, since=None, symbol=None):
        fee = {"fee": Decimal(1), "fee_currency": self.currency}
        return [evolve(fill, **fee) for fill in super().fills(since, symbol)]

    def positions(self):
        paid = len(super().fills())
        return [
            evolve(held, quantity=held.quantity - paid * (held.symbol == self.taken_from))
            for held in super().positions()
        ]


@pytest.mark.parametrize(("currency", "status"), [("AAA", "done"), ("USD", "review")])
def test_only_a_fee_in_kind_does(world, currency, status):
    world.broker = world.new_broker(InKind)
    world.broker.currency = currency
    world.broker.taken_from = "AAA"
    assert world.run(ONE).status == status


@pytest.mark.parametrize("leave", [[], ["CCC"]])
def test_a_fee_that_is_taken_out_of_something_else_that_is_held_does_too(world, leave):
    with world.broker as broker:
        broker.submit_order("CCC", "buy", 10)
    world.broker = world.new_broker(InKind)
    world.broker.currency = world.broker.taken_from = "CCC"
    world.account = {"id": "PAPER", "leave": leave}
    result = world.run({"AAA": 0.5} | ({} if leave else {"CCC": 0.02}))
    assert (result.status, result.message, result.review) == (
        "done",
        f"{len(result.plan.legs)} of {len(result.plan.legs)} trades filled.",
        (),
    )
