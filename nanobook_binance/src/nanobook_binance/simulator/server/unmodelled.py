"""What the vendor's API has and this simulator has not, and what is answered there."""

from __future__ import annotations

from nanobook_binance.simulator.server.call import Answer, page, refused
from nanobook_binance.simulator.venue import Refusal

_ORDER_LISTS = "order lists (OCO, OTO, OTOCO, OPO)"
_PARTS = {
    "/api/v3/order/oco": _ORDER_LISTS,
    "/api/v3/orderList": _ORDER_LISTS,
    "/api/v3/allOrderList": _ORDER_LISTS,
    "/api/v3/openOrderList": _ORDER_LISTS,
    "/api/v3/sor/": "smart order routing",
    "/api/v3/myAllocations": "smart order routing",
    "/sapi/": "the wallet, margin and other services under /sapi",
    "/fapi/": "futures",
    "/dapi/": "futures",
    "/papi/": "portfolio margin",
    "/eapi/": "options",
}


def answer(method: str, path: str) -> Answer:
    """The answer where nothing is served."""
    if path == "/api/v3/userDataStream":
        return page(410, "Gone")
    for start, what in _PARTS.items():
        if path.startswith(start):
            said = f"{method} {path} is not modelled by this simulator, nor is anything of {what}."
            return refused(Refusal(-1020, said, 404))
    return refused(Refusal(-1020, f"{method} {path} is not modelled by this simulator.", 404))


def time_unit(unit: str) -> Answer | None:
    """The answer where times are wanted in another unit than milliseconds; None for these."""
    if unit.upper() == "MILLISECOND":
        return None
    if unit.upper() == "MICROSECOND":
        return refused(
            Refusal(-1020, "X-MBX-TIME-UNIT: MICROSECOND is not modelled by this simulator.")
        )
    return refused(
        Refusal(-1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.")
    )
