"""The gate that every order passes before it is sent, and what its checks are made of."""

from nanobook_core.risk.book import Book as Book
from nanobook_core.risk.book import Exposure as Exposure
from nanobook_core.risk.book import book_of as book_of
from nanobook_core.risk.engine import RiskEngine as RiskEngine
from nanobook_core.risk.exact import CannotJudgeError as CannotJudgeError
from nanobook_core.risk.exact import each_order as each_order
from nanobook_core.risk.exact import exact as exact
from nanobook_core.risk.exact import failure as failure
from nanobook_core.risk.exact import ratio as ratio
from nanobook_core.risk.gated_broker import GatedBroker as GatedBroker
from nanobook_core.risk.limit import flag as flag
from nanobook_core.risk.limit import limit as limit
from nanobook_core.risk.limit import not_negative as not_negative
from nanobook_core.risk.limit import positive as positive
from nanobook_core.risk.limit import whole as whole
from nanobook_core.risk.line import Line as Line
from nanobook_core.risk.line import checked as checked
from nanobook_core.risk.line import checked_quantity as checked_quantity
from nanobook_core.risk.report import RiskChecks as RiskChecks
from nanobook_core.risk.report import RiskReport as RiskReport
