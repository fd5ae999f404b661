from nanobook_core.contracts import ApplyResult as ApplyResult
from nanobook_core.contracts import BookSnapshot as BookSnapshot
from nanobook_core.contracts import CancelAllResult as CancelAllResult
from nanobook_core.contracts import CancelResult as CancelResult
from nanobook_core.contracts import EngineState as EngineState
from nanobook_core.contracts import Event as Event
from nanobook_core.contracts import EventKind as EventKind
from nanobook_core.contracts import LevelSnapshot as LevelSnapshot
from nanobook_core.contracts import ModifyResult as ModifyResult
from nanobook_core.contracts import Order as Order
from nanobook_core.contracts import StopOrder as StopOrder
from nanobook_core.contracts import StopSubmitResult as StopSubmitResult
from nanobook_core.contracts import SubmitResult as SubmitResult
from nanobook_core.contracts import Trade as Trade
from nanobook_core.errors import AmbiguousCapabilityError as AmbiguousCapabilityError
from nanobook_core.errors import CapabilityNotFoundError as CapabilityNotFoundError
from nanobook_core.errors import ConcurrentUseError as ConcurrentUseError
from nanobook_core.errors import JournalError as JournalError
from nanobook_core.errors import JournalWarning as JournalWarning
from nanobook_core.errors import LogTruncatedError as LogTruncatedError
from nanobook_core.errors import NanobookError as NanobookError
from nanobook_core.errors import PluginError as PluginError
from nanobook_core.errors import PluginWarning as PluginWarning
from nanobook_core.errors import PolicyError as PolicyError
from nanobook_core.errors import ValidationError as ValidationError
from nanobook_core.lob.journal import Journal as Journal
from nanobook_core.lob.multi import MultiExchange as MultiExchange
from nanobook_core.lob.ops import OPS_DTYPE as OPS_DTYPE
from nanobook_core.lob.ops import make_ops as make_ops
from nanobook_core.lob.record_json import from_json as from_json
from nanobook_core.lob.record_json import to_json as to_json
from nanobook_core.lob.reference import Exchange as Exchange
from nanobook_core.lob.trades import Trades as Trades
from nanobook_core.plugin import Capability as Capability
from nanobook_core.plugin import Kind as Kind
from nanobook_core.plugin import PluginPolicy as PluginPolicy
from nanobook_core.plugin import Registry
from nanobook_core.portfolio import BacktestResult as BacktestResult
from nanobook_core.portfolio import Bars as Bars
from nanobook_core.portfolio import Bps as Bps
from nanobook_core.portfolio import Carry as Carry
from nanobook_core.portfolio import Constraints as Constraints
from nanobook_core.portfolio import CostModel as CostModel
from nanobook_core.portfolio import EqualWeight as EqualWeight
from nanobook_core.portfolio import LookaheadError as LookaheadError
from nanobook_core.portfolio import LookaheadReport as LookaheadReport
from nanobook_core.portfolio import Metrics as Metrics
from nanobook_core.portfolio import NextBar as NextBar
from nanobook_core.portfolio import NextOpen as NextOpen
from nanobook_core.portfolio import Portfolio as Portfolio
from nanobook_core.portfolio import Position as Position
from nanobook_core.portfolio import SameBar as SameBar
from nanobook_core.portfolio import Stops as Stops
from nanobook_core.portfolio import StrategyResult as StrategyResult
from nanobook_core.portfolio import backtest_weights as backtest_weights
from nanobook_core.portfolio import check_lookahead as check_lookahead
from nanobook_core.portfolio import compute_metrics as compute_metrics
from nanobook_core.portfolio import monthly_returns as monthly_returns
from nanobook_core.portfolio import run_backtest as run_backtest
from nanobook_core.portfolio import simulate as simulate
from nanobook_core.types import OrderId as OrderId
from nanobook_core.types import OrderStatus as OrderStatus
from nanobook_core.types import Price as Price
from nanobook_core.types import Side as Side
from nanobook_core.types import StopStatus as StopStatus
from nanobook_core.types import StopTrigger as StopTrigger
from nanobook_core.types import StpPolicy as StpPolicy
from nanobook_core.types import Symbol as Symbol
from nanobook_core.types import TimeInForce as TimeInForce
from nanobook_core.types import TradeId as TradeId
from nanobook_core.types import TrailMethod as TrailMethod
from nanobook_report.equity import plot_equity as plot_equity

__all__: list[str]  # noqa: PYI035 - its value is what this installation has
__version__: str

def capabilities(kind: str | None = None) -> list[str]: ...
def registry() -> Registry: ...

py_backtest_weights = backtest_weights
py_capabilities = capabilities
py_compute_metrics = compute_metrics
