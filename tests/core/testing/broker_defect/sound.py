"""The broker that keeps every rule, which those that each break one are made of."""

import datetime as dt

from attrs import evolve

from nanobook_core.broker.paper import PaperBroker
from nanobook_core.contracts import OutcomeUnknownError


def breaks(*laws, **settings):
    """Note on a broker which laws it breaks when it is made with those settings.

    `switches` are the suite's; all else is the broker's.
    """

    def note(broker):
        broker.breaks = [*vars(broker).get("breaks", []), *((law, settings) for law in laws)]
        return broker

    return note


class Sound(PaperBroker):
    """Paper at the end of a line that can fail, in an account that others use too."""

    lost = None
    repeated = ()
    ahead = dt.timedelta(0)

    def server_time(self):
        return super().server_time() + self.ahead

    def submit_order(self, order, *args, **options):
        lost, self.lost = self.lost, None
        if lost is None:
            return super().submit_order(order, *args, **options)
        if lost == "answer":
            super().submit_order(order, *args, **options)
        raise OutcomeUnknownError("no answer")

    def order_status(self, order):
        return self.marked(super().order_status(order))

    def find_order(self, client_order_id, symbol=None):
        found = super().find_order(client_order_id)
        return found and self.marked(found)

    def open_orders(self, scope="own"):
        told = [self.marked(status) for status in super().open_orders("all")]
        return [status for status in told if scope == "all" or status.is_own]

    def resync(self):
        foreign = tuple(status for status in self.open_orders("all") if not status.is_own)
        report = super().resync()
        names = {status.client_order_id for status in foreign}
        return evolve(
            report,
            foreign=foreign,
            matched=tuple(name for name in report.matched if name not in names),
        )

    def marked(self, status):
        return evolve(status, is_own=not status.client_order_id.startswith("foreign"))
