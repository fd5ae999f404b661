"""Both engines pass the suite for authors of engines; what breaks a law does not."""

from itertools import count

import pytest
from attrs import evolve
from hypothesis.errors import Flaky
from tests.lob.engines import ENGINES
from tests.unshrunk import unshrunk

from nanobook_core.contracts import CancelResult
from nanobook_core.lob.reference import Exchange
from nanobook_core.testing import EngineSuite


class TestReference(EngineSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls):
        return Exchange


class TestBest(EngineSuite):
    """The compiled engine where there is one."""

    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls):
        return [*ENGINES.values()][-1]


class Exaggerating(Exchange):
    """Says that it has cancelled more than was open."""

    def cancel(self, order_id):
        answer = super().cancel(order_id)
        return evolve(answer, cancelled_quantity=answer.cancelled_quantity * 2)


class Moody(Exchange):
    """Has something in common with other exchanges."""

    calls = count()

    def submit_market(self, side, quantity, **options):
        return super().submit_market(side, 1 + next(self.calls) % 10, **options)


class Forgetful(Exchange):
    """Does not log what fails."""

    def cancel(self, order_id):
        if self.get_order(order_id) is None and self.get_stop_order(order_id) is None:
            return CancelResult(success=False, error="OrderNotFound")
        return super().cancel(order_id)


class Careless(Exchange):
    """Loses stops when it is made of a state."""

    @staticmethod
    def from_state(state, *, log_events=True):
        return Exchange.from_state(evolve(state, stops=(), elected=()), log_events=log_events)


class Overtidy(Exchange):
    """Throws away what is still alive."""

    def compact(self):
        for stop in self.state().stops[:1]:
            self.cancel(stop.id)


class Partial(Exchange):
    """Prefers buyers."""

    def submit_market(self, side, quantity, **options):
        return super().submit_market(side, quantity if side == "buy" else 1, **options)


class Lenient(Exchange):
    """Replaces an order twice where it keeps its price."""

    def modify(self, order_id, new_price, new_quantity):
        order = self.get_order(order_id)
        answer = super().modify(order_id, new_price, new_quantity)
        if order and answer.success and order.price == new_price and not answer.trades:
            self.cancel(answer.new_order_id)
            self.submit_limit(order.side, new_price, new_quantity, owner=order.owner)
        return answer


class Hasty(Exchange):
    """Leaves the last row of a batch undone."""

    def apply(self, ops):
        return super().apply(ops[:-1])


@pytest.mark.parametrize(
    ("engine", "law"),
    [
        (Exaggerating, "every_request_keeps_the_laws"),
        (Moody, "the_same_requests_give_the_same_exchange"),
        (Forgetful, "a_log_makes_the_same_exchange"),
        (Careless, "a_state_is_all_that_decides"),
        (Overtidy, "housekeeping_changes_nothing_that_comes_later"),
        (Partial, "in_a_mirror_everything_is_the_same"),
        (Lenient, "modify_is_cancel_and_submit"),
        (Hasty, "a_batch_does_what_the_calls_do"),
    ],
)
def test_the_suite_catches_an_engine_that_breaks_a_law(engine, law):
    check = unshrunk(getattr(EngineSuite, f"test_{law}"))
    # What is not the same twice may confuse hypothesis before it breaks the law.
    with pytest.raises((AssertionError, ExceptionGroup, Flaky)):
        check(EngineSuite(), engine)
