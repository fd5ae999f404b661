"""The log has every message that crossed the socket, field by field."""

from nanobook_ibkr.simulator.message_log import MessageLog, select
from nanobook_ibkr.simulator.wire import encode


def test_a_message_is_logged_with_all_its_fields_also_empty_ones_at_its_end():
    log = MessageLog()
    fields = ["3", "1", "", "0", "", ""]
    log.received(1, fields, 0.0)
    log.sent(1, encode(fields)[4:], 1.0)
    received, sent = select(log.entries())
    assert received.fields == sent.fields == ("3", "1", "", "0", "", "")


def test_the_log_is_bounded_in_bytes_too():
    log = MessageLog()
    payload = bytes(1024 * 1024)
    for number in range(70):
        log.sent(number, payload, 0.0)
    kept = log.entries()
    assert len(kept) == 64
    assert kept[-1].client_id == 69
