"""Conformance suites for plugin authors: subclass the suite of your kind and override its fixtures.

Needs `nanobook-core[testing]`. A suite's switches are class attributes: turning one off says,
visibly and in one place, which law does not apply to an implementation.
"""

import pytest

# Before the suites are imported, or a third party sees bare AssertionErrors.
pytest.register_assert_rewrite(
    "nanobook_core.testing.broker_bench",
    "nanobook_core.testing.broker_cancel",
    "nanobook_core.testing.broker_claim",
    "nanobook_core.testing.broker_client_id",
    "nanobook_core.testing.broker_connection",
    "nanobook_core.testing.broker_event",
    "nanobook_core.testing.broker_fault",
    "nanobook_core.testing.broker_fill",
    "nanobook_core.testing.broker_holding",
    "nanobook_core.testing.broker_market",
    "nanobook_core.testing.broker_order",
    "nanobook_core.testing.broker_submission",
    "nanobook_core.testing.command",
    "nanobook_core.testing.cost",
    "nanobook_core.testing.engine",
    "nanobook_core.testing.fill",
    "nanobook_core.testing.forecast",
    "nanobook_core.testing.indicator",
    "nanobook_core.testing.kernel",
    "nanobook_core.testing.ledger",
    "nanobook_core.testing.optimizer",
    "nanobook_core.testing.parser",
    "nanobook_core.testing.plugin",
    "nanobook_core.testing.risk",
    "nanobook_core.testing.simulate",
    "nanobook_core.testing.stop_ledger",
)

from nanobook_core.testing.broker import BrokerSuite  # noqa: E402 - see above
from nanobook_core.testing.command import CommandSuite  # noqa: E402 - see above
from nanobook_core.testing.cost import CostModelSuite  # noqa: E402 - see above
from nanobook_core.testing.engine import EngineSuite  # noqa: E402 - see above
from nanobook_core.testing.fill import FillModelSuite  # noqa: E402 - see above
from nanobook_core.testing.forecast import ForecasterSuite  # noqa: E402 - see above
from nanobook_core.testing.indicator import IndicatorSuite  # noqa: E402 - see above
from nanobook_core.testing.kernel import ScheduleToDenseSuite  # noqa: E402 - see above
from nanobook_core.testing.optimizer import OptimizerSuite  # noqa: E402 - see above
from nanobook_core.testing.parser import ParserSuite  # noqa: E402 - see above
from nanobook_core.testing.plugin import PluginSuite  # noqa: E402 - see above
from nanobook_core.testing.risk import RiskCheckSuite  # noqa: E402 - see above
from nanobook_core.testing.simulate import SimulateSuite  # noqa: E402 - see above

__all__ = [
    "BrokerSuite",
    "CommandSuite",
    "CostModelSuite",
    "EngineSuite",
    "FillModelSuite",
    "ForecasterSuite",
    "IndicatorSuite",
    "OptimizerSuite",
    "ParserSuite",
    "PluginSuite",
    "RiskCheckSuite",
    "ScheduleToDenseSuite",
    "SimulateSuite",
]
