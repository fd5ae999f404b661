"""An acknowledgement is the order's number wherever one is wanted."""

import json

from nanobook_core.contracts import OrderAck, OrderState


def test_an_acknowledgement_is_the_seeds_oid():
    ack = OrderAck(7, "one", OrderState.ACCEPTED, {"perm": "5"})
    assert ack == 7
    assert isinstance(ack, int)
    assert {7: "seven"}[ack] == "seven"
    assert [str(ack), f"{ack}", f"{ack:03d}", json.dumps([ack])] == ["7", "7", "007", "[7]"]
    assert repr(ack) == "OrderAck(7, 'one', 'accepted')"
    assert (ack.client_order_id, ack.state, ack.venue_ids) == ("one", "accepted", {"perm": "5"})
    assert OrderAck(8, "two", OrderState.HELD).venue_ids == {}
