"""What nobody sends in earnest, and what must hold whatever is sent."""

from contextlib import contextmanager

from hypothesis import strategies as st
from tests.binance.raw_http import exchange, request

from nanobook_binance.simulator import SimulatedBinance

WORDS = """
0 -1 1 007 1.5 .5 5. 1e3 0x10 NaN Infinity -0 +1 99999999999999999999 0.000000001 100000000 true
null BTCUSDT btcusdt NOSUCH BUY SELL MARKET LIMIT LIMIT_MAKER STOP_LOSS TAKE_PROFIT IOC FOK GTC DAY
FULL ACK 1d 4w +15:00 NONE EXPIRE_BOTH [] [1] ["BTCUSDT","BTCUSDT"] {"a":1} mine
"""
values = st.one_of(
    st.sampled_from(WORDS.split()),
    st.sampled_from(["", " ", "\0", "\r\n", "9" * 500, "\N{ARABIC-INDIC DIGIT ONE}", "%", "=&"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
NAMES = """
symbol symbols side type timeInForce quantity quoteOrderQty price stopPrice trailingDelta
icebergQty newClientOrderId newOrderRespType selfTradePreventionMode orderId origClientOrderId
limit fromId startTime endTime recvWindow timestamp signature omitZeroBalances cancelRestrictions
strategyId symbolStatus windowSize timeZone interval cancelReplaceMode cancelOrderId newQty
pegPriceType computeCommissionRates
"""
names = st.sampled_from(NAMES.split()) | st.text(max_size=8)


@contextmanager
def patient_exchange():
    """An exchange without limits, and with a market for bitcoin."""
    limits = {"weight_limit": 10**9, "order_limits": (10**9, 10**9), "connection_limit": 10**9}
    with SimulatedBinance(**limits) as binance:
        binance.set_quote("BTCUSDT", "60000.00", "60000.01", bid_size="5", ask_size="5")
        yield binance


def state(binance):
    """Everything that a request could have changed."""
    return repr((binance.orders(), binance.trades(), binance.balances()))


def is_served(binance):
    """Whether an ordinary question is answered."""
    return exchange(binance.port, request("GET", "/api/v3/time")).status == 200


def errors(caplog):
    """What the server has logged as its own failure."""
    return [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]
