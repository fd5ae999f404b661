"""Events that are made without checks are those that are made with them."""

from itertools import repeat

from nanobook_core.contracts import Event, EventKind


def test_a_list_of_events_of_checked_columns_is_that_of_single_ones():
    events = [
        Event("submit_limit", side="buy", price=5, quantity=7, time_in_force="gtc"),
        Event("reduce", quantity=2, order_id=1),
        Event("cancel", order_id=1),
    ]
    columns = {
        name: [getattr(event, name) for event in events]
        for name in ("side", "price", "quantity", "time_in_force", "order_id")
    }
    made = Event.trusted_list([event.kind for event in events], **columns)
    assert made == events
    assert [repr(event) for event in made] == [repr(event) for event in events]
    assert [hash(event) for event in made] == [hash(event) for event in events]


def test_a_list_takes_its_length_from_the_kinds():
    assert Event.trusted_list([]) == []
    made = Event.trusted_list([EventKind.CANCEL] * 3, order_id=repeat(4))
    assert made == [Event("cancel", order_id=4)] * 3
