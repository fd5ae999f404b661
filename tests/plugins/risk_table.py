"""Requests as the tables of tests/data/risk write them."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import nanobook
from nanobook_core.contracts import Account, Instrument, Quote, RiskOrder, RiskRequest, SentOrder
from nanobook_core.plugin import default_registry

NOON = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)


def read_order(symbol, side, quantity, limit=None, client_order_id=""):
    return RiskOrder(
        symbol=symbol,
        side=side,
        quantity=Decimal(quantity),
        limit_price=None if limit is None else Decimal(limit),
        client_order_id=client_order_id,
    )


def read_request(
    *,
    orders,
    equity="10000",
    cash="10000",
    buying_power="20000",
    open=(),  # noqa: A002 - the tables' word
    sent=(),
    positions=(),
    marks=(),
    volumes=(),
    rates=(),
    planned=None,
    peak=None,
    day_start=None,
    instruments=(),
    quotes=(),
    monotonic=None,
    broker_ahead=None,
    killed="",
    flatten=False,
):
    return RiskRequest(
        orders=tuple(read_order(*order) for order in orders),
        account=Account(
            equity=Decimal(equity), cash=Decimal(cash), buying_power=Decimal(buying_power)
        ),
        now=NOON,
        positions=_decimals(positions),
        marks=_decimals(marks),
        open_orders=tuple(read_order(*order) for order in open),
        peak_equity=None if peak is None else Decimal(peak),
        day_start_equity=None if day_start is None else Decimal(day_start),
        quotes={symbol: _quote(symbol, **quote) for symbol, quote in dict(quotes).items()},
        monotonic=monotonic,
        broker_time=None if broker_ahead is None else NOON + dt.timedelta(seconds=broker_ahead),
        instruments={
            symbol: Instrument(symbol=symbol, **{**rules, **_decimals(rules, only=_AMOUNTS)})
            for symbol, rules in dict(instruments).items()
        },
        rates=_decimals(rates),
        volumes=_decimals(volumes),
        sent=tuple(
            SentOrder(order=read_order(*order), sent_at=NOON - dt.timedelta(seconds=seconds_ago))
            for *order, seconds_ago in sent
        ),
        planned=None if planned is None else _decimals(planned),
        killed=killed,
        flatten=flatten,
    )


_AMOUNTS = ("tick", "multiplier")


def _quote(symbol, bid, ask, **more):
    return Quote(
        symbol=symbol,
        bid=None if bid is None else Decimal(bid),
        ask=None if ask is None else Decimal(ask),
        **more,
    )


def _decimals(amounts, only=None):
    return {
        name: Decimal(amount)
        for name, amount in dict(amounts).items()
        if only is None or name in only
    }


TABLES = Path(__file__).parents[1] / "data" / "risk"


def rows(table):
    return json.loads((TABLES / f"{table}.json").read_text())


def checks_of_order(row):
    return nanobook.RiskEngine(**row["limits"]).check_order(
        *row["order"], row["equity"], row["positions"], peak_equity_cents=row.get("peak")
    )


def checks_of_batch(row):
    return nanobook.RiskEngine(**row["limits"]).check_batch(
        row["orders"],
        row["equity"],
        row["positions"],
        [(symbol, float(weight)) for symbol, weight in row["weights"]],
        row.get("prices"),
        peak_equity_cents=row.get("peak"),
    )


def listed(checks):
    return [[check["name"], str(check["status"]), check["detail"]] for check in checks]


def findings(row):
    check = default_registry().create("risk_check", row["check"], **row["settings"])
    return [
        [str(found.status), found.detail, found.halts]
        for found in check.evaluate(read_request(**row["request"]))
    ]


def answers():
    """Every row's name, what is expected, and what comes out."""
    for row in rows("order"):
        yield row["name"], row["checks"], listed(checks_of_order(row))
    for row in rows("batch"):
        yield row["name"], row["checks"], listed(checks_of_batch(row))
    for row in rows("further"):
        yield row["name"], row["findings"], findings(row)
