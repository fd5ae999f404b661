"""What an implementation of each kind must be able to do, and the records it is handed.

Protocols, so that a third party inherits nothing from us. A kind without a module here has no
frozen contract yet.
"""

from nanobook_core.contracts.book import (
    BookSnapshot,
    CancelAllResult,
    CancelResult,
    LevelSnapshot,
    ModifyResult,
    Order,
    StopOrder,
    StopSubmitResult,
    SubmitResult,
    Trade,
)
from nanobook_core.contracts.command import Command
from nanobook_core.contracts.engine import ApplyResult, Engine, EngineState
from nanobook_core.contracts.event import Event, EventKind
from nanobook_core.contracts.forecast import Forecaster
from nanobook_core.contracts.kernel import Run, ScheduleToDense, Simulate
from nanobook_core.contracts.optimizer import Optimizer
from nanobook_core.contracts.portfolio import (
    CostModel,
    CostRequest,
    FillModel,
    FillRequest,
    Fills,
    Strategy,
    TradeCostModel,
)
from nanobook_core.contracts.risk import (
    Account,
    RiskCheck,
    RiskOrder,
    RiskRequest,
    RiskResult,
    RiskStatus,
)

__all__ = [
    "Account",
    "ApplyResult",
    "BookSnapshot",
    "CancelAllResult",
    "CancelResult",
    "Command",
    "CostModel",
    "CostRequest",
    "Engine",
    "EngineState",
    "Event",
    "EventKind",
    "FillModel",
    "FillRequest",
    "Fills",
    "Forecaster",
    "LevelSnapshot",
    "ModifyResult",
    "Optimizer",
    "Order",
    "RiskCheck",
    "RiskOrder",
    "RiskRequest",
    "RiskResult",
    "RiskStatus",
    "Run",
    "ScheduleToDense",
    "Simulate",
    "StopOrder",
    "StopSubmitResult",
    "Strategy",
    "SubmitResult",
    "Trade",
    "TradeCostModel",
]
