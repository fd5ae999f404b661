"""A symbol as the venue lists it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from attrs import field, frozen

from nanobook_binance.simulator.venue.money import ZERO
from nanobook_binance.simulator.venue.word import OrderType, StpMode, SymbolStatus
from nanobook_core.errors import ValidationError

#: No order is of more steps, so that thousands of them fit into a level of the book.
MOST_STEPS = 2**50

Filter = Mapping[str, Any]


def _decimals(filters: tuple[Filter, ...]) -> dict[str, dict[str, Any]]:
    return {
        each["filterType"]: {
            name: Decimal(value) if isinstance(value, str) else value
            for name, value in each.items()
            if name != "filterType"
        }
        for each in filters
    }


@frozen(kw_only=True)
class SymbolRules:
    """Exactly what exchangeInfo shows of a symbol, in our spelling.

    Filters are those of the vendor: mappings whose decimals are strings. `price_range` is the
    execution rule: multipliers of the reference price that a buyer, and a seller, may trade within,
    as `bidMultiplierUp`, `bidMultiplierDown`, `askMultiplierUp` and `askMultiplierDown`.

    Raises:
        ValidationError: PRICE_FILTER or LOT_SIZE is missing, or what they say cannot be.

    """

    symbol: str
    base_asset: str
    quote_asset: str
    status: SymbolStatus = SymbolStatus.TRADING
    base_asset_precision: int = 8
    quote_asset_precision: int = 8
    order_types: tuple[str, ...] = tuple(OrderType)
    quote_order_quantity_allowed: bool = True
    trailing_stop_allowed: bool = True
    cancel_replace_allowed: bool = True
    amend_allowed: bool = True
    iceberg_allowed: bool = False
    oco_allowed: bool = False
    oto_allowed: bool = False
    default_stp_mode: str = StpMode.EXPIRE_MAKER
    allowed_stp_modes: tuple[str, ...] = tuple(StpMode)
    filters: tuple[Filter, ...]
    price_range: Filter | None = None
    limits: Mapping[str, Mapping[str, Any]] = field(init=False, repr=False, eq=False)
    """The filters by their type, with Decimals."""

    @limits.default
    def _limits(self) -> dict[str, dict[str, Any]]:
        return _decimals(self.filters)

    def __attrs_post_init__(self) -> None:
        for name in ("PRICE_FILTER", "LOT_SIZE"):
            if name not in self.limits:
                raise ValidationError(f"{self.symbol}: a symbol needs the filter {name}")
        lots = self.limits["LOT_SIZE"]
        if not ZERO < lots["minQty"] <= lots["maxQty"] <= self.step * MOST_STEPS:
            raise ValidationError(
                f"{self.symbol}: LOT_SIZE needs 0 < minQty <= maxQty <= {MOST_STEPS} steps, "
                f"got {lots['minQty']} and {lots['maxQty']}"
            )
        if self.default_stp_mode not in self.allowed_stp_modes:
            raise ValidationError(f"{self.symbol}: {self.default_stp_mode} is not allowed there")

    @property
    def tick(self) -> Decimal:
        """Step of prices; the last place of the quote asset where the filter is switched off."""
        tick: Decimal = self.limits["PRICE_FILTER"]["tickSize"]
        return tick or Decimal(1).scaleb(-self.quote_asset_precision)

    @property
    def step(self) -> Decimal:
        """Step of quantities; the last place of the base asset where the filter has none."""
        step: Decimal = self.limits["LOT_SIZE"]["stepSize"]
        return step or Decimal(1).scaleb(-self.base_asset_precision)

    @property
    def assets(self) -> tuple[str, str]:
        """Base and quote asset."""
        return self.base_asset, self.quote_asset

    def number(self, filter_type: str, name: str) -> Decimal | int | None:
        """Return what a filter says; None where the symbol has no such filter."""
        found = self.limits.get(filter_type)
        return None if found is None else found[name]

    def shown(self) -> dict[str, Any]:
        """Return the entry of exchangeInfo, in the vendor's spelling."""
        return dict(self._shown())

    def _shown(self) -> Iterator[tuple[str, Any]]:
        yield "symbol", self.symbol
        yield "status", str(self.status)
        yield "baseAsset", self.base_asset
        yield "baseAssetPrecision", self.base_asset_precision
        yield "quoteAsset", self.quote_asset
        yield "quotePrecision", self.quote_asset_precision
        yield "quoteAssetPrecision", self.quote_asset_precision
        yield "baseCommissionPrecision", 8
        yield "quoteCommissionPrecision", 8
        yield "orderTypes", [str(each) for each in self.order_types]
        yield "icebergAllowed", self.iceberg_allowed
        yield "ocoAllowed", self.oco_allowed
        yield "otoAllowed", self.oto_allowed
        yield "opoAllowed", False
        yield "quoteOrderQtyMarketAllowed", self.quote_order_quantity_allowed
        yield "allowTrailingStop", self.trailing_stop_allowed
        yield "cancelReplaceAllowed", self.cancel_replace_allowed
        yield "amendAllowed", self.amend_allowed
        yield "pegInstructionsAllowed", False
        yield "isSpotTradingAllowed", True
        yield "isMarginTradingAllowed", False
        yield "filters", [dict(each) for each in self.filters]
        yield "permissions", []
        yield "permissionSets", [["SPOT"]]
        yield "defaultSelfTradePreventionMode", str(self.default_stp_mode)
        yield "allowedSelfTradePreventionModes", [str(each) for each in self.allowed_stp_modes]
