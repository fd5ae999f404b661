"""The log has every message that crossed the socket, field by field."""

from nanobook_ibkr.simulator.message_log import MessageLog
from nanobook_ibkr.simulator.wire import encode


def test_a_message_is_logged_with_all_its_fields_also_empty_ones_at_its_end():
    log = MessageLog()
    fields = ["3", "1", "", "0", "", ""]
    log.received(1, fields, 0.0)
    log.sent(1, encode(fields)[4:], 1.0)
    received, sent = log.read()
    assert received.fields == sent.fields == ("3", "1", "", "0", "", "")
