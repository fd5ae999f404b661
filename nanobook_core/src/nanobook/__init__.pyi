from nanobook_core.broker.paper import PaperBroker as PaperBroker
from nanobook_core.broker.secret import resolve_secret as resolve_secret
from nanobook_core.contracts import Account as Account
from nanobook_core.contracts import AmbiguousSymbolError as AmbiguousSymbolError
from nanobook_core.contracts import ApplyResult as ApplyResult
from nanobook_core.contracts import AuthenticationError as AuthenticationError
from nanobook_core.contracts import BackendMissingError as BackendMissingError
from nanobook_core.contracts import BookSnapshot as BookSnapshot
from nanobook_core.contracts import BrokerCapabilities as BrokerCapabilities
from nanobook_core.contracts import BrokerError as BrokerError
from nanobook_core.contracts import BrokerOrder as BrokerOrder
from nanobook_core.contracts import BrokerOrderStatus as BrokerOrderStatus
from nanobook_core.contracts import BrokerPosition as BrokerPosition
from nanobook_core.contracts import BrokerProtocolError as BrokerProtocolError
from nanobook_core.contracts import BrokerTimeInForce as BrokerTimeInForce
from nanobook_core.contracts import CancelAllResult as CancelAllResult
from nanobook_core.contracts import CancelRejectedError as CancelRejectedError
from nanobook_core.contracts import CancelResult as CancelResult
from nanobook_core.contracts import ClientIdScope as ClientIdScope
from nanobook_core.contracts import ClockSkewError as ClockSkewError
from nanobook_core.contracts import ConnectError as ConnectError
from nanobook_core.contracts import ConnectionInfo as ConnectionInfo
from nanobook_core.contracts import ConnectionState as ConnectionState
from nanobook_core.contracts import DuplicateOrderError as DuplicateOrderError
from nanobook_core.contracts import EngineState as EngineState
from nanobook_core.contracts import Event as Event
from nanobook_core.contracts import EventKind as EventKind
from nanobook_core.contracts import Fill as Fill
from nanobook_core.contracts import HaltedError as HaltedError
from nanobook_core.contracts import Instrument as Instrument
from nanobook_core.contracts import InsufficientFundsError as InsufficientFundsError
from nanobook_core.contracts import LevelSnapshot as LevelSnapshot
from nanobook_core.contracts import LinkDownError as LinkDownError
from nanobook_core.contracts import MarketClosedError as MarketClosedError
from nanobook_core.contracts import ModifyResult as ModifyResult
from nanobook_core.contracts import NoQuoteError as NoQuoteError
from nanobook_core.contracts import NotConnectedError as NotConnectedError
from nanobook_core.contracts import Order as Order
from nanobook_core.contracts import RiskCheck as RiskCheck
from nanobook_core.contracts import RiskOrder as RiskOrder
from nanobook_core.contracts import RiskRequest as RiskRequest
from nanobook_core.contracts import RiskResult as RiskResult
from nanobook_core.contracts import RiskStatus as RiskStatus
from nanobook_core.contracts import RiskVetoError as RiskVetoError
from nanobook_core.contracts import Secret as Secret
from nanobook_core.contracts import SentOrder as SentOrder
from nanobook_core.contracts import OrderAck as OrderAck
from nanobook_core.contracts import OrderInvalidError as OrderInvalidError
from nanobook_core.contracts import OrderNotFoundError as OrderNotFoundError
from nanobook_core.contracts import OrderRejectedError as OrderRejectedError
from nanobook_core.contracts import OrderState as OrderState
from nanobook_core.contracts import OrderType as OrderType
from nanobook_core.contracts import Outcome as Outcome
from nanobook_core.contracts import OutcomeUnknownError as OutcomeUnknownError
from nanobook_core.contracts import PermissionDeniedError as PermissionDeniedError
from nanobook_core.contracts import PostOnlyRejectedError as PostOnlyRejectedError
from nanobook_core.contracts import Quote as Quote
from nanobook_core.contracts import RateLimitedError as RateLimitedError
from nanobook_core.contracts import SessionConflictError as SessionConflictError
from nanobook_core.contracts import StaleQuoteError as StaleQuoteError
from nanobook_core.contracts import StopOrder as StopOrder
from nanobook_core.contracts import StopSubmitResult as StopSubmitResult
from nanobook_core.contracts import SubmitResult as SubmitResult
from nanobook_core.contracts import Trade as Trade
from nanobook_core.contracts import UnknownSymbolError as UnknownSymbolError
from nanobook_core.contracts import UnsupportedError as UnsupportedError
from nanobook_core.errors import AmbiguousCapabilityError as AmbiguousCapabilityError
from nanobook_core.errors import CapabilityNotFoundError as CapabilityNotFoundError
from nanobook_core.errors import ConcurrentUseError as ConcurrentUseError
from nanobook_core.errors import ItchError as ItchError
from nanobook_core.errors import ItchWarning as ItchWarning
from nanobook_core.errors import JournalError as JournalError
from nanobook_core.errors import JournalWarning as JournalWarning
from nanobook_core.errors import LogTruncatedError as LogTruncatedError
from nanobook_core.errors import NanobookError as NanobookError
from nanobook_core.errors import OptimizationError as OptimizationError
from nanobook_core.errors import PluginError as PluginError
from nanobook_core.errors import PluginWarning as PluginWarning
from nanobook_core.errors import PolicyError as PolicyError
from nanobook_core.errors import SecretError as SecretError
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
from nanobook_core.portfolio import drawdown_series as drawdown_series
from nanobook_core.portfolio import monthly_returns as monthly_returns
from nanobook_core.portfolio import run_backtest as run_backtest
from nanobook_core.portfolio import simulate as simulate
from nanobook_core.portfolio import weights_to_target as weights_to_target
from nanobook_core.risk import GatedBroker as GatedBroker
from nanobook_core.risk import RiskEngine as RiskEngine
from nanobook_core.risk import RiskReport as RiskReport
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
from nanobook_indicators.directional import adx as adx
from nanobook_indicators.directional import dx as dx
from nanobook_indicators.directional import minus_di as minus_di
from nanobook_indicators.directional import plus_di as plus_di
from nanobook_indicators.momentum import cci as cci
from nanobook_indicators.momentum import macd as macd
from nanobook_indicators.momentum import mom as mom
from nanobook_indicators.momentum import roc as roc
from nanobook_indicators.momentum import rocp as rocp
from nanobook_indicators.momentum import rocr as rocr
from nanobook_indicators.momentum import rsi as rsi
from nanobook_indicators.momentum import ultosc as ultosc
from nanobook_indicators.momentum import willr as willr
from nanobook_indicators.overlap import bbands as bbands
from nanobook_indicators.overlap import bollinger as bollinger
from nanobook_indicators.overlap import ema as ema
from nanobook_indicators.overlap import sma as sma
from nanobook_indicators.panel import atr_panel as atr_panel
from nanobook_indicators.panel import bbands_panel as bbands_panel
from nanobook_indicators.panel import ema_panel as ema_panel
from nanobook_indicators.panel import ema_panel_by_column as ema_panel_by_column
from nanobook_indicators.panel import macd_panel as macd_panel
from nanobook_indicators.panel import rsi_panel as rsi_panel
from nanobook_indicators.panel import sma_panel as sma_panel
from nanobook_indicators.panel import sma_panel_by_column as sma_panel_by_column
from nanobook_indicators.rolling import rolling_max_drawdown as rolling_max_drawdown
from nanobook_indicators.rolling import rolling_sharpe as rolling_sharpe
from nanobook_indicators.rolling import rolling_volatility as rolling_volatility
from nanobook_indicators.split import time_series_split as time_series_split
from nanobook_indicators.statistic import quintile_spread as quintile_spread
from nanobook_indicators.statistic import spearman as spearman
from nanobook_indicators.stochastic import stoch as stoch
from nanobook_indicators.stochastic import stochf as stochf
from nanobook_indicators.stochastic import stochrsi as stochrsi
from nanobook_indicators.supported import list_supported_indicators as list_supported_indicators
from nanobook_indicators.volatility import atr as atr
from nanobook_indicators.volatility import natr as natr
from nanobook_indicators.volatility import trange as trange
from nanobook_indicators.volatility import wilder_atr as wilder_atr
from nanobook_indicators.volume import ad as ad
from nanobook_indicators.volume import adosc as adosc
from nanobook_indicators.volume import obv as obv
from nanobook_optimizers.ewma import ewma_forecast as ewma_forecast
from nanobook_optimizers.ewma import ewma_volatility as ewma_volatility
from nanobook_optimizers.garch import garch_fit as garch_fit
from nanobook_optimizers.garch_ewma import garch_ewma_forecast as garch_ewma_forecast
from nanobook_optimizers.garch_forecast import garch_forecast as garch_forecast
from nanobook_optimizers.garch_forecast import py_garch_forecast as py_garch_forecast
from nanobook_optimizers.realised_volatility import realized_vol as realized_vol
from nanobook_optimizers.hierarchy import optimize_hrp as optimize_hrp
from nanobook_optimizers.inverse import equal_weight as equal_weight
from nanobook_optimizers.inverse import inverse_cdar_weights as inverse_cdar_weights
from nanobook_optimizers.inverse import inverse_cvar_weights as inverse_cvar_weights
from nanobook_optimizers.inverse import inverse_volatility as inverse_volatility
from nanobook_optimizers.parity import optimize_risk_parity as optimize_risk_parity
from nanobook_optimizers.tail import optimize_cdar as optimize_cdar
from nanobook_optimizers.tail import optimize_cvar as optimize_cvar
from nanobook_optimizers.variance import optimize_max_sharpe as optimize_max_sharpe
from nanobook_optimizers.variance import optimize_mean_variance as optimize_mean_variance
from nanobook_optimizers.variance import optimize_min_variance as optimize_min_variance
from nanobook_binance.broker import BinanceBroker as BinanceBroker
from nanobook_binance.depth import read_binance_depth as read_binance_depth
from nanobook_binance.depth_event import parse_binance_depth as parse_binance_depth
from nanobook_ibkr.broker import IbkrBroker as IbkrBroker
from nanobook_itch.export import export_itch as export_itch
from nanobook_itch.feed import ItchFeed as ItchFeed
from nanobook_itch.lobster_parse import parse_lobster as parse_lobster
from nanobook_itch.lobster_write import write_lobster as write_lobster
from nanobook_itch.measure import book_imbalance as book_imbalance
from nanobook_itch.measure import mid_price as mid_price
from nanobook_itch.measure import order_flow as order_flow
from nanobook_itch.measure import order_flow_imbalance as order_flow_imbalance
from nanobook_itch.measure import quoted_spread as quoted_spread
from nanobook_itch.measure import time_weighted_mean as time_weighted_mean
from nanobook_itch.measure import trade_volumes as trade_volumes
from nanobook_itch.measure import weighted_mid as weighted_mid
from nanobook_itch.parse import parse_itch as parse_itch
from nanobook_itch.replay import replay_into as replay_into
from nanobook_itch.table import table_frame as table_frame
from nanobook_rebalancer.planning import plan as plan
from nanobook_report.equity import plot_equity as plot_equity

__all__: list[str]  # noqa: PYI035 - its value is what this installation has
__version__: str

def capabilities(kind: str | None = None) -> list[str]: ...
def registry() -> Registry: ...

py_ad = ad
py_adosc = adosc
py_adx = adx
py_atr = atr
py_atr_panel = atr_panel
py_backtest_weights = backtest_weights
py_bbands = bbands
py_bbands_panel = bbands_panel
py_bollinger = bollinger
py_capabilities = capabilities
py_cci = cci
py_compute_metrics = compute_metrics
py_drawdown_series = drawdown_series
py_dx = dx
py_ema = ema
py_ema_panel = ema_panel
py_ema_panel_by_column = ema_panel_by_column
py_garch_ewma_forecast = garch_ewma_forecast
py_inverse_cdar_weights = inverse_cdar_weights
py_inverse_cvar_weights = inverse_cvar_weights
py_list_supported_indicators = list_supported_indicators
py_macd = macd
py_macd_panel = macd_panel
py_minus_di = minus_di
py_mom = mom
py_natr = natr
py_obv = obv
py_optimize_cdar = optimize_cdar
py_optimize_cvar = optimize_cvar
py_optimize_max_sharpe = optimize_max_sharpe
py_optimize_min_variance = optimize_min_variance
py_optimize_risk_parity = optimize_risk_parity
py_plus_di = plus_di
py_quintile_spread = quintile_spread
py_roc = roc
py_rocp = rocp
py_rocr = rocr
py_rolling_max_drawdown = rolling_max_drawdown
py_rolling_sharpe = rolling_sharpe
py_rolling_volatility = rolling_volatility
py_rsi = rsi
py_rsi_panel = rsi_panel
py_sma = sma
py_sma_panel = sma_panel
py_sma_panel_by_column = sma_panel_by_column
py_spearman = spearman
py_stoch = stoch
py_stochf = stochf
py_stochrsi = stochrsi
py_time_series_split = time_series_split
py_trange = trange
py_ultosc = ultosc
py_wilder_atr = wilder_atr
py_willr = willr
