"""The suite accepts a sound check and catches what each unsound one does wrong."""

from decimal import Decimal

import pytest
from attrs import evolve
from tests.unshrunk import unshrunk

from nanobook_core.contracts import Account, RiskOrder, RiskRequest, RiskResult
from nanobook_core.testing import RiskCheckSuite
from nanobook_core.testing.risk import NOON


def request_for(quantity):
    return RiskRequest(
        orders=(RiskOrder(symbol="AAPL", side="buy", quantity=Decimal(quantity)),),
        account=Account(equity=Decimal(1000), cash=Decimal(1000), buying_power=Decimal(1000)),
        now=NOON,
        marks={"AAPL": Decimal(10)},
    )


def usable(number):
    return number is not None and number.is_finite() and number > 0


class Sound:
    """No order for more than its equity, but any that only reduces a position."""

    def evaluate(self, request):
        verdicts = [self.judge(order, request) for order in request.orders]
        status = "Pass" if all(verdicts) else "Fail"
        return (RiskResult(name="sound", status=status, detail="as judged"),)

    def judge(self, order, request):
        return self.reduces(order, request) or self.affordable(order, request)

    def reduces(self, order, request):
        held = request.positions.get(order.symbol, Decimal(0))
        leaving = [
            other.quantity
            for other in self.beside(order, request)
            if other.symbol == order.symbol and other.side is order.side
        ]
        if not (held.is_finite() and all(usable(quantity) for quantity in leaving)):
            return False
        return held * order.signed_quantity < 0 and self.total(leaving) <= abs(held)

    def beside(self, order, request):
        return (*request.orders, *request.open_orders)

    def total(self, leaving):
        return sum(leaving, Decimal(0))

    def affordable(self, order, request):
        mark = request.marks.get(order.symbol)
        equity = request.account.equity
        if not (usable(mark) and usable(equity) and usable(order.quantity)):
            return False
        return order.quantity * mark <= equity


class AlwaysPasses(Sound):
    def judge(self, order, request):
        return True


class AlwaysFails(Sound):
    def judge(self, order, request):
        return False


class RaisesOnNaN(Sound):
    def affordable(self, order, request):
        return order.quantity * request.marks[order.symbol] <= request.account.equity


class Silent(Sound):
    def evaluate(self, request):
        return super().evaluate(request) if request.orders else ()


class GivesAList(Sound):
    def evaluate(self, request):
        return list(super().evaluate(request))


class TwoLines(Sound):
    def evaluate(self, request):
        return tuple(evolve(result, detail="one\ntwo") for result in super().evaluate(request))


class Remembers(Sound):
    calls = 0

    def evaluate(self, request):
        self.calls += 1
        return (RiskResult(name="count", status="Pass", detail=f"call {self.calls}"),)


class ChangesTheRequest(Sound):
    def evaluate(self, request):
        request.marks.clear()
        return super().evaluate(request)


class LooksAtTheFirstOnly(Sound):
    def evaluate(self, request):
        return super().evaluate(evolve(request, orders=request.orders[:1]))


class IgnoresEquity(Sound):
    def affordable(self, order, request):
        rich = evolve(request.account, equity=Decimal(1000))
        return super().affordable(order, evolve(request, account=rich))


class AssumesAPrice(Sound):
    def affordable(self, order, request):
        marks = {order.symbol: Decimal(1)} | {k: v for k, v in request.marks.items() if usable(v)}
        return super().affordable(order, evolve(request, marks=marks))


class TrapsExits(Sound):
    def reduces(self, order, request):
        return False


class LetsPositionsFlip(Sound):
    def total(self, leaving):
        return Decimal(0)


class JudgesEachOrderAlone(Sound):
    def beside(self, order, request):
        return (order, *request.open_orders)


class ForgetsOpenOrders(Sound):
    def beside(self, order, request):
        return request.orders


class CapsThePosition(Sound):
    """No position of more than 100 shares, whatever an order is worth."""

    def affordable(self, order, request):
        held = request.positions.get(order.symbol, Decimal(0))
        everything = [
            other.signed_quantity
            for other in self.beside(order, request)
            if other.symbol == order.symbol
        ]
        usables = all(usable(abs(change)) for change in everything) and held.is_finite()
        return (
            super().affordable(order, request)
            and usables
            and abs(held + self.total(everything)) <= 100
        )


class MayTrapExits(RiskCheckSuite):
    passes_reductions = False


LAWS = [name for name in vars(RiskCheckSuite) if name.startswith("test_")]


LARGER = "test_an_exit_larger_than_the_holding_is_no_exit"
TOGETHER = "test_exits_that_together_exceed_the_holding_are_no_exits"
BESIDE_OPEN = "test_an_exit_beside_an_open_order_that_uses_it_up_is_no_exit"
REDUCTIONS = ("test_an_exit_is_never_trapped", LARGER, TOGETHER, BESIDE_OPEN)


def broken_laws(check, laws=LAWS, suite=RiskCheckSuite, refused=None):
    """Those of the laws that the check breaks."""
    suite = suite()
    accepted, refused = request_for(50), refused or request_for(200)
    arguments = {
        "test_it_tells_good_from_bad": [(accepted, refused)],
        "test_the_sequence_of_orders_does_not_matter": [(accepted, refused)],
        "test_it_fails_closed_without_equity": [(accepted, e) for e in ("0", "-1", "NaN")],
        "test_it_fails_closed_without_a_price": [(accepted, m) for m in (None, "0", "-1", "NaN")],
        "test_an_exit_is_never_trapped": [(refused,)],
        **{law: [(refused, 1), (refused, 3)] for law in (LARGER, TOGETHER, BESIDE_OPEN)},
    }
    broken = set()
    for law in laws:
        holds = getattr(type(suite), law)
        if hasattr(holds, "hypothesis"):
            holds = unshrunk(holds)
        for extra in arguments.get(law, [()]):
            try:
                holds(suite, check, *extra)
            except Exception:  # noqa: BLE001 - a check that raises breaks the law as well
                broken.add(law)
    return broken


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_sound_check_breaks_no_law_whichever_side_it_refuses(side):
    (order,) = request_for(200).orders
    refused = evolve(request_for(200), orders=(evolve(order, side=side),))
    assert broken_laws(Sound(), refused=refused) == set()


def test_a_check_that_refuses_to_add_to_a_position_breaks_no_law():
    refused = evolve(request_for(10), positions={"AAPL": Decimal(95)})
    assert broken_laws(CapsThePosition(), refused=refused) == set()


@pytest.mark.parametrize(
    ("check", "law"),
    [
        (object(), "test_it_fulfils_the_contract"),
        (AlwaysPasses(), "test_it_tells_good_from_bad"),
        (AlwaysFails(), "test_it_tells_good_from_bad"),
        (RaisesOnNaN(), "test_it_answers_every_request"),
        (Silent(), "test_it_answers_every_request"),
        (GivesAList(), "test_it_answers_every_request"),
        (TwoLines(), "test_it_answers_every_request"),
        (Remembers(), "test_the_same_request_gets_the_same_answer"),
        (ChangesTheRequest(), "test_the_same_request_gets_the_same_answer"),
        (LooksAtTheFirstOnly(), "test_the_sequence_of_orders_does_not_matter"),
        (IgnoresEquity(), "test_it_fails_closed_without_equity"),
        (AssumesAPrice(), "test_it_fails_closed_without_a_price"),
        (TrapsExits(), "test_an_exit_is_never_trapped"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_an_unsound_check_is_caught_by_the_law_it_breaks(check, law):
    assert broken_laws(check, [law]) == {law}


@pytest.mark.parametrize(
    ("check", "laws"),
    [
        (LetsPositionsFlip(), {LARGER, TOGETHER, BESIDE_OPEN}),
        (JudgesEachOrderAlone(), {TOGETHER}),
        (ForgetsOpenOrders(), {BESIDE_OPEN}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_exit_that_turns_the_position_round_is_caught(check, laws):
    assert broken_laws(check, REDUCTIONS) == laws
    assert broken_laws(check, REDUCTIONS, suite=MayTrapExits) == set()
