"""The log of requests has each as it was, and does not grow for ever."""

from nanobook_binance.simulator.server.request_log import LoggedRequest, RequestLog, read_entry


def logged(number, answer):
    return LoggedRequest(
        time=number,
        method="GET",
        path="/api/v3/depth",
        account=None,
        parameters={"symbol": "BTCUSDT"},
        status=200,
        answer=answer,
    )


def test_what_is_kept_is_what_was_answered_even_if_that_changes_later():
    log, answer = RequestLog(), {"bids": [["1.00000000", "2.00000000"]], "asks": []}
    log.append(logged(1, answer))
    expected = logged(1, {"bids": [["1.00000000", "2.00000000"]], "asks": []})
    answer["bids"].clear()
    assert [read_entry(document) for document in log.documents()] == [expected]


def test_only_the_latest_are_kept():
    log = RequestLog(limit=2)
    for number in range(3):
        log.append(logged(number, {}))
    assert [read_entry(document).time for document in log.documents()] == [1, 2]


def test_the_log_is_bounded_in_bytes_too():
    log = RequestLog()
    for number in range(70):
        log.append(logged(number, "x" * (1024 * 1024 - 200)))
    kept = log.documents()
    assert 63 <= len(kept) <= 64
    assert read_entry(kept[-1]).time == 69
