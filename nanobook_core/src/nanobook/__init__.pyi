from nanobook_core.errors import AmbiguousCapabilityError as AmbiguousCapabilityError
from nanobook_core.errors import CapabilityNotFoundError as CapabilityNotFoundError
from nanobook_core.errors import NanobookError as NanobookError
from nanobook_core.errors import PluginError as PluginError
from nanobook_core.errors import PluginWarning as PluginWarning
from nanobook_core.errors import PolicyError as PolicyError
from nanobook_core.errors import ValidationError as ValidationError
from nanobook_core.plugin import Capability as Capability
from nanobook_core.plugin import Kind as Kind
from nanobook_core.plugin import PluginPolicy as PluginPolicy
from nanobook_core.plugin import Registry
from nanobook_core.portfolio import BacktestResult as BacktestResult
from nanobook_core.portfolio import CostModel as CostModel
from nanobook_core.portfolio import Metrics as Metrics
from nanobook_core.portfolio import Portfolio as Portfolio
from nanobook_core.portfolio import Position as Position
from nanobook_core.portfolio import backtest_weights as backtest_weights
from nanobook_core.portfolio import compute_metrics as compute_metrics
from nanobook_core.portfolio import monthly_returns as monthly_returns
from nanobook_report.equity import plot_equity as plot_equity

__all__: list[str]  # noqa: PYI035 - its value is what this installation has
__version__: str

def capabilities(kind: str | None = None) -> list[str]: ...
def registry() -> Registry: ...

py_backtest_weights = backtest_weights
py_capabilities = capabilities
py_compute_metrics = compute_metrics
