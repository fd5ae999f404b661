"""The suite accepts a sound check and catches what each unsound one does wrong."""

from decimal import Decimal

import pytest
from attrs import evolve

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
        if not (usable(order.quantity) and held.is_finite()):
            return False
        return held * order.signed_quantity < 0 and order.quantity <= abs(held)

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


LAWS = [name for name in vars(RiskCheckSuite) if name.startswith("test_")]


def broken_laws(check):
    """Names of the laws that the check breaks."""
    suite = RiskCheckSuite()
    accepted, refused = request_for(50), request_for(200)
    arguments = {
        "test_it_tells_good_from_bad": [(accepted, refused)],
        "test_it_fails_closed_without_equity": [(accepted, e) for e in ("0", "-1", "NaN")],
        "test_it_fails_closed_without_a_price": [(accepted, m) for m in (None, "0", "-1", "NaN")],
        "test_an_exit_is_never_trapped": [(refused,)],
    }
    broken = set()
    for law in LAWS:
        for extra in arguments.get(law, [()]):
            try:
                getattr(suite, law)(check, *extra)
            except Exception:  # noqa: BLE001 - a check that raises breaks the law as well
                broken.add(law)
    return broken


def test_a_sound_check_breaks_no_law():
    assert broken_laws(Sound()) == set()


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
    assert law in broken_laws(check)
