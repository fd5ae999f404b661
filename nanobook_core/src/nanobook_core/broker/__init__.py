"""What all brokers share, and the paper broker."""

from nanobook_core.broker.base import BrokerBase
from nanobook_core.broker.order_record import OrderRecord
from nanobook_core.broker.paper import PaperBroker

__all__ = ["BrokerBase", "OrderRecord", "PaperBroker"]
