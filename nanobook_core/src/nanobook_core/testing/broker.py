"""Laws of a broker."""

from __future__ import annotations

from nanobook_core.testing.broker_cancel import CancelLaws
from nanobook_core.testing.broker_claim import ClaimLaws
from nanobook_core.testing.broker_client_id import ClientIdLaws
from nanobook_core.testing.broker_connection import ConnectionLaws, HaltLaws
from nanobook_core.testing.broker_event import EventLaws
from nanobook_core.testing.broker_fault import FaultLaws, SyncLaws
from nanobook_core.testing.broker_fill import FillLaws
from nanobook_core.testing.broker_holding import HoldingLaws
from nanobook_core.testing.broker_market import InstrumentLaws, QuoteLaws
from nanobook_core.testing.broker_order import OrderLaws
from nanobook_core.testing.broker_restart import RestartLaws
from nanobook_core.testing.broker_submission import SubmissionLaws


class BrokerSuite(
    ConnectionLaws,
    HaltLaws,
    SubmissionLaws,
    ClientIdLaws,
    ClaimLaws,
    OrderLaws,
    CancelLaws,
    FillLaws,
    HoldingLaws,
    QuoteLaws,
    InstrumentLaws,
    EventLaws,
    SyncLaws,
    FaultLaws,
    RestartLaws,
):
    """What a broker must do, see `contracts.Broker`.

    Give it the fixtures `broker`, `another_broker` and `venue`; `Venue` and `FaultyVenue` in
    `nanobook_core.testing.broker_bench` say what it moves the market with. Each switch that is
    turned off says what the venue cannot do, and so which laws do not apply.
    """
