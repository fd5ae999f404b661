"""Who is told what happens to which account."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from nanobook_binance.simulator.server.fault import Fault, ServerFaults
from nanobook_binance.simulator.stream import user_event
from nanobook_binance.simulator.stream.subscription import Subscription
from nanobook_binance.simulator.stream.user_event import Event
from nanobook_binance.simulator.venue import Venue, VenueListener, VenueOrder, VenueTrade
from nanobook_binance.simulator.venue.trade import PreventedMatch
from nanobook_binance.simulator.venue.word import ExecutionType
from nanobook_core.broker.fault_script import How

_LATE = 0.5


class UserHub(VenueListener):
    """Tells subscriptions what happens to their accounts, and lets the planned faults happen.

    What happens in a turn is told at its end.
    """

    def __init__(
        self,
        venue: Venue,
        now_ms: Callable[[], int],
        faults: ServerFaults,
        shut_down: Callable[[], None],
    ) -> None:
        self._venue = venue
        self._now_ms = now_ms
        self._faults = faults
        self._shut_down = shut_down
        self._subscriptions: dict[Subscription, None] = {}
        self._turn: dict[str, list[Event]] = {}
        """By account."""
        self._happen: dict[Fault, Callable[[Subscription, How], None]] = {
            Fault.STREAM_LATE: lambda each, how: each.hold(how.get("seconds", _LATE)),
            Fault.STREAM_TERMINATED: lambda each, _: each.terminate(now_ms()),
            Fault.STREAM_SILENT: lambda each, _: each.connection.fall_silent(),
            Fault.STREAM_DROP: lambda each, _: each.connection.cut(),
        }

    def add(self, subscription: Subscription) -> None:
        """Tell it what happens from now on."""
        self._subscriptions[subscription] = None

    def remove(self, subscription: Subscription) -> None:
        """Tell it nothing more."""
        self._subscriptions.pop(subscription, None)

    def order_changed(
        self,
        account: str,
        order: VenueOrder,
        execution_type: ExecutionType,
        trade: VenueTrade | None,
        prevented: PreventedMatch | None,
    ) -> None:
        """Tell it with the turn's other events."""
        self._happened(
            account,
            user_event.execution_report(
                order, execution_type, self._now_ms(), trade=trade, prevented=prevented
            ),
        )

    def balances_changed(self, account: str, assets: tuple[str, ...]) -> None:
        """Tell it with the turn's other events."""
        owned = self._venue.balances(account)
        balances = [(asset, owned[asset]) for asset in assets]
        self._happened(
            account,
            user_event.account_position(
                [(asset, balance.free, balance.locked) for asset, balance in balances],
                self._venue.update_time(account),
                self._now_ms(),
            ),
        )

    def balance_updated(self, account: str, asset: str, delta: Decimal) -> None:
        """Tell it with the turn's other events."""
        now = self._now_ms()
        self._happened(account, user_event.balance_update(asset, delta, now, now))

    def _happened(self, account: str, event: Event) -> None:
        if not any(each.account == account for each in self._subscriptions):
            return
        self._turn.setdefault(account, []).append(event)

    def end_turn(self) -> None:
        """Tell what has happened."""
        turn, self._turn = self._turn, {}
        for account, events in turn.items():
            self._tell(account, events)

    def _tell(self, account: str, events: list[Event]) -> None:
        orders = [event for event in events if event["e"] == "executionReport"]
        if orders and self._meets(Fault.STREAM_REORDERED, orders[0]) is not None:
            events.reverse()
        for event in events:
            for told in self._let_go_wrong(account, event):
                for subscription in self._of(account):
                    subscription.tell(told)

    def _of(self, account: str) -> list[Subscription]:
        return [each for each in self._subscriptions if each.account == account]

    def _meets(self, fault: Fault, event: Event) -> How | None:
        symbol = event["s"]
        return self._faults.take(fault, None, lambda how: how.get("symbol") in (None, symbol))

    def _let_go_wrong(self, account: str, event: Event) -> list[Event]:
        """Let happen what is planned for an event, and return how often it is told."""
        if event["e"] != "executionReport":
            return [event]
        for fault, happen in self._happen.items():
            how = self._meets(fault, event)
            if how is not None:
                for subscription in self._of(account):
                    happen(subscription, how)
        if self._meets(Fault.SERVER_SHUTDOWN, event) is not None:
            self._shut_down()
        is_twice = self._meets(Fault.STREAM_DUPLICATE, event) is not None
        return [event, event] if is_twice else [event]
