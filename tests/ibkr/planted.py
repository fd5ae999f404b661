"""Defects that only a broker of Interactive Brokers can have; see tests/fault/planted.py."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from nanobook_core.contracts import OutcomeUnknownError


class SendsAgain:
    """Sends an order again if nobody knows what became of it."""

    def submit_order(self, order: Any, *args: Any, **more: Any) -> Any:
        try:
            return super().submit_order(order, *args, **more)
        except OutcomeUnknownError:
            self.connect()
            self._desk.orders._by_ref.clear()
            return super().submit_order(order, *args, **more)


class AddsCorrections:
    """Counts what was corrected as well as its correction."""

    def fills(self, *args: Any, **more: Any) -> Any:
        fills = super().fills(*args, **more)
        corrected = [evolve(each, exec_id=each.corrects) for each in fills if each.corrects]
        return [evolve(each, corrects="") for each in fills + corrected]


class CountsItsOwnHoldings:
    """Takes what it has bought for all that is held."""

    def positions(self) -> Any:
        return [each for each in super().positions() if each.quantity > 0]
