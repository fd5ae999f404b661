"""Brokers that send another order than they were given, or under another name."""

import contextlib
from decimal import Decimal

from attrs import evolve
from tests.core.testing.broker_defect.sound import Sound, breaks

from nanobook_core.contracts import BrokerOrder, ClientIdScope, OrderAck, OrderRejectedError


class Recast(Sound):
    """Sends another order than it was given."""

    def recast(self, order):
        return order

    def submit_order(self, order, *args, **options):
        if isinstance(order, BrokerOrder):
            return super().submit_order(self.recast(order))
        return super().submit_order(order, *args, **options)


@breaks("a_wrong_argument_is_an_error_and_nothing_is_sent")
class TakesFloats(Sound):
    def submit_order(self, order, side=None, quantity=None, **options):
        if isinstance(quantity, float):
            quantity = int(quantity)
        return super().submit_order(order, side, quantity, **options)


@breaks("a_wrong_argument_is_an_error_and_nothing_is_sent")
class SendsFirst(Sound):
    def submit_order(self, order, side=None, quantity=None, **options):
        try:
            return super().submit_order(order, side, quantity, **options)
        except (TypeError, ValueError):
            super().submit_order("AAPL", "buy", 1)
            raise


@breaks("arguments_are_checked_before_the_connection")
class ChecksArgumentsLate(Sound):
    def submit_order(self, *args, **options):
        self.server_time()
        return super().submit_order(*args, **options)


@breaks("a_record_takes_no_further_arguments")
class IgnoresFurtherArguments(Sound):
    def submit_order(self, order, *args, **options):
        if isinstance(order, BrokerOrder):
            return super().submit_order(order)
        return super().submit_order(order, *args, **options)


@breaks("a_record_and_arguments_send_the_same")
class RecordsAreOfOneUnit(Recast):
    def recast(self, order):
        return evolve(order, quantity=1)


@breaks("a_limit_in_cents_is_that_price")
class CentsAreUnits(Sound):
    def submit_order(self, order, *args, limit_price_cents=None, **options):
        if limit_price_cents is not None:
            options["limit_price"] = Decimal(limit_price_cents) / 10_000
        return super().submit_order(order, *args, **options)


@breaks("an_integer_of_numpy_is_an_integer")
class RoundsIntegers(Recast):
    def recast(self, order):
        return evolve(order, quantity=order.quantity + 1)


@breaks("an_order_needs_no_client_order_id")
class DemandsAnId(Recast):
    def recast(self, order):
        if order.client_order_id is None:
            raise OrderRejectedError("give it an id")
        return order


@breaks("an_unknown_symbol_is_refused")
class GuessesTheSymbol(Sound):
    def submit_order(self, order, *args, **options):
        return super().submit_order("AAPL" if order == "NOSUCH" else order, *args, **options)


@breaks(
    "a_price_off_the_tick_is_refused_and_not_rounded",
    "a_quantity_off_the_lot_is_refused_and_not_cut",
    "a_refused_order_does_not_use_up_its_client_order_id",
    "fractions_are_as_claimed",
)
class CutsUnasked(Recast):
    def recast(self, order):
        return self.normalize(order).order


@breaks("money_that_is_not_there_is_not_spent")
class LendsWhatIsMissing(Recast):
    def recast(self, order):
        return evolve(order, quantity=min(order.quantity, Decimal(100)))


@breaks("an_acknowledgement_is_the_number_of_the_order")
class ForgetsWhatElseIsKnown(Sound):
    def submit_order(self, *args, **options):
        return int(super().submit_order(*args, **options))


@breaks("an_acknowledged_order_is_known_at_once")
class KnowsLate(Sound):
    def open_orders(self, scope="own"):
        return super().open_orders(scope)[:-1]


@breaks("numbers_of_orders_rise", "a_number_is_not_used_again_after_connecting_again")
class CountsDown(Sound):
    def submit_order(self, *args, **options):
        ack = super().submit_order(*args, **options)
        return OrderAck(1000 - ack, ack.client_order_id, ack.state)


class Renamed(Sound):
    """Tells other orders than there are."""

    def told(self, status):
        return status

    def order_status(self, order):
        return self.told(super().order_status(order))

    def open_orders(self, scope="own"):
        return [self.told(status) for status in super().open_orders(scope)]


@breaks(
    "a_client_order_id_stays_with_its_order",
    "number_and_client_order_id_lead_to_the_same_order",
)
class HidesClientIds(Renamed):
    def told(self, status):
        return evolve(status, client_order_id=f"{status.order_id}-x")


@breaks("every_character_that_is_allowed_is_taken")
class SmallLetters(Recast):
    def recast(self, order):
        return evolve(order, client_order_id=order.client_order_id.lower())


@breaks("a_client_order_id_may_be_as_long_as_is_claimed")
class CutsIds(Recast):
    def recast(self, order):
        return evolve(order, client_order_id=order.client_order_id[:20])


@breaks("an_order_never_sent_is_not_found")
class FindsByBeginning(Sound):
    def find_order(self, client_order_id, symbol=None):
        for status in self.open_orders():
            if status.client_order_id.startswith(client_order_id):
                return status
        return super().find_order(client_order_id)


@breaks("an_open_order_is_found", "an_order_whose_answer_was_lost_is_found")
class FindsOnlyDoneOrders(Sound):
    def find_order(self, client_order_id, symbol=None):
        found = super().find_order(client_order_id)
        return found if found and found.state.is_terminal else None


@breaks("a_done_order_is_found")
class FindsOnlyOpenOrders(Sound):
    def find_order(self, client_order_id, symbol=None):
        found = super().find_order(client_order_id)
        return None if found and found.state.is_terminal else found


@breaks("an_order_is_found_by_a_new_connection")
class FindsOnlyItsSession(Sound):
    def disconnect(self):
        self.find_order = lambda *_: None
        super().disconnect()


@breaks(
    "a_client_order_id_in_use_is_taken_as_is_claimed",
    "a_client_order_id_of_a_done_order_is_taken_as_is_claimed",
    "a_client_order_id_is_refused_by_a_new_connection_too",
    "an_order_in_doubt_sent_again_is_one_order",
    client_id_scope="never",
)
@breaks(
    "a_client_order_id_of_a_done_order_is_taken_as_is_claimed",
    client_id_scope="while_open",
)
class ClaimsTooMuchOfIds(Sound):
    def capabilities(self):
        return evolve(super().capabilities(), client_id_scope=ClientIdScope.FOR_EVER)


@breaks(
    "a_client_order_id_in_use_is_taken_as_is_claimed",
    client_id_scope="never",
)
class FindsTheFirst(Sound):
    def find_order(self, client_order_id, symbol=None):
        found = [s for s in self.open_orders("all") if s.client_order_id == client_order_id]
        return found[0] if found else super().find_order(client_order_id)


@breaks("an_order_that_does_not_exist_is_not_found")
class CancelsAnything(Sound):
    def cancel_order(self, order):
        with contextlib.suppress(LookupError):
            super().cancel_order(order)
