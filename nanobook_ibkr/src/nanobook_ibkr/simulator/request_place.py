"""An order as a client sends it: by far the longest message, and the one money hangs on."""

from __future__ import annotations

from decimal import Decimal
from typing import cast

from attrs import evolve, frozen

from nanobook_ibkr.simulator.record import ZERO, ContractKey, OrderForm
from nanobook_ibkr.simulator.request_field import FieldReader, Value
from nanobook_ibkr.simulator.wire import WireError

# Fields in the order of the wire, each with its kind: see FieldReader.each.
_FORM = """
action:t totalQuantity:d orderType:t lmtPrice:d auxPrice:d tif:t ocaGroup:t account:t openClose:t
origin:i orderRef:t transmit:f parentId:i blockOrder:f sweepToFill:f displaySize:i triggerMethod:i
outsideRth:f hidden:f
"""
_COMBO_LEG = """
conId:i ratio:i action:t exchange:t openClose:i shortSaleSlot:i designatedLocation:t exemptCode:i
"""
_ADVISER = """
sharesAllocation:t discretionaryAmt:d goodAfterTime:t goodTillDate:t faGroup:t faMethod:t
faPercentage:t
"""
_EXTENDED = """
modelCode:t shortSaleSlot:i designatedLocation:t exemptCode:i ocaType:i rule80A:t settlingFirm:t
allOrNone:f minQty:i percentOffset:d eTradeOnly:f firmQuoteOnly:f nbboPriceCap:d auctionStrategy:i
startingPrice:d stockRefPrice:d delta:d stockRangeLower:d stockRangeUpper:d
overridePercentageConstraints:f volatility:d volatilityType:i deltaNeutralOrderType:t
deltaNeutralAuxPrice:d
"""
_DELTA_NEUTRAL = """
deltaNeutralConId:i deltaNeutralSettlingFirm:t deltaNeutralClearingAccount:t
deltaNeutralClearingIntent:t deltaNeutralOpenClose:t deltaNeutralShortSale:f
deltaNeutralShortSaleSlot:i deltaNeutralDesignatedLocation:t
"""
_DELTA_NEUTRAL_CONTRACT = """
deltaNeutralContractId:i deltaNeutralContractDelta:d deltaNeutralContractPrice:d
"""
_TRAIL_AND_SCALE = """
continuousUpdate:f referencePriceType:i trailStopPrice:d trailingPercent:d scaleInitLevelSize:i
scaleSubsLevelSize:i scalePriceIncrement:d
"""
_SCALE = """
scalePriceAdjustValue:d scalePriceAdjustInterval:d scaleProfitOffset:d scaleAutoReset:f
scaleInitPosition:i scaleInitFillQty:i scaleRandomPercent:f
"""
_PEG_BENCH = """
referenceContractId:i isPeggedChangeAmountDecrease:f peggedChangeAmount:d referenceChangeAmount:d
referenceExchangeId:t
"""
_CONDITIONS = {
    1: "conjunction:t isMore:f price:d conId:i exchange:t triggerMethod:i",
    3: "conjunction:t isMore:f time:t",
    4: "conjunction:t isMore:f percent:i",
    5: "conjunction:t secType:t exchange:t symbol:t",
    6: "conjunction:t isMore:f volume:i conId:i exchange:t",
    7: "conjunction:t isMore:f changePercent:d conId:i exchange:t",
}
_ADJUSTED = """
adjustedOrderType:t triggerPrice:d lmtPriceOffset:d adjustedStopPrice:d adjustedStopLimitPrice:d
adjustedTrailingAmount:d adjustableTrailingUnit:i extOperator:t softDollarTierName:t
softDollarTierValue:t cashQty:d mifid2DecisionMaker:t mifid2DecisionAlgo:t mifid2ExecutionTrader:t
mifid2ExecutionAlgo:t dontUseAutoPriceForHedge:f isOmsContainer:f discretionaryUpToLimitPrice:f
usePriceMgmtAlgo:f
"""
_BEYOND = {
    158: "duration:i",
    160: "postToAts:i",
    162: "autoCancelParent:f",
    166: "advancedErrorOverride:t",
    169: "manualOrderTime:t",
}
_FA_PROFILE_UNTIL = 177
_PEGGED_SINCE = 170

# Part of `OrderForm`, or only read, or told to nobody but clearing houses and regulators: what is
# set beyond these would change how the order trades, which the venue must not pass over in silence.
_WITHOUT_EFFECT = """
action totalQuantity orderType lmtPrice auxPrice tif ocaGroup account orderRef transmit parentId
outsideRth hidden goodTillDate ocaType allOrNone minQty trailStopPrice trailingPercent cashQty
openClose origin shortSaleSlot designatedLocation exemptCode rule80A settlingFirm eTradeOnly
firmQuoteOnly overridePercentageConstraints optOutSmartRouting clearingAccount clearingIntent
algoId whatIf orderMiscOptions solicited extOperator softDollarTierName softDollarTierValue
mifid2DecisionMaker mifid2DecisionAlgo mifid2ExecutionTrader mifid2ExecutionAlgo
dontUseAutoPriceForHedge isOmsContainer usePriceMgmtAlgo autoCancelParent advancedErrorOverride
manualOrderTime algoStrategy
"""
_UNSET_WORDS = ("", "None", "?")
"""`None` and `?` come from TWS itself, when a client sends an order back as it was told it."""


@frozen(kw_only=True)
class PlaceOrder:
    """A new order, or a change of the client's order of the same number (3)."""

    order_id: int
    contract: ContractKey
    form: OrderForm

    @classmethod
    def read(cls, fields: FieldReader) -> PlaceOrder:
        """From the fields behind the message's number."""
        order_id, contract = fields.integer(), fields.contract()
        contract = evolve(contract, sec_id_type=fields.text(), sec_id=fields.text())
        values = fields.each(_FORM)
        combo_legs = _combo(fields) if contract.sec_type == "BAG" else 0
        values |= fields.each(_ADVISER)
        values |= fields.each("faProfile:t" if fields.version < _FA_PROFILE_UNTIL else "")
        values |= fields.each(_EXTENDED)
        values |= fields.each(_DELTA_NEUTRAL if values["deltaNeutralOrderType"] else "")
        values |= fields.each(_TRAIL_AND_SCALE)
        increment = cast("Decimal | None", values["scalePriceIncrement"]) or ZERO
        values |= fields.each(_SCALE if increment > 0 else "")
        values |= fields.each("scaleTable:t activeStartTime:t activeStopTime:t hedgeType:t")
        values |= fields.each("hedgeParam:t" if values["hedgeType"] else "")
        values |= fields.each("optOutSmartRouting:f clearingAccount:t clearingIntent:t notHeld:f")
        values |= fields.each(_DELTA_NEUTRAL_CONTRACT if fields.flag() else "")
        values |= fields.each("algoStrategy:t")
        if values["algoStrategy"]:
            _tags(fields)
        values |= fields.each(
            "algoId:t whatIf:f orderMiscOptions:t solicited:f randomizeSize:f randomizePrice:f"
        )
        fields.each(_PEG_BENCH if values["orderType"] in ("PEG BENCH", "PEGBENCH") else "")
        conditions = _conditions(fields)
        values |= fields.each(_ADJUSTED)
        for version, layout in _BEYOND.items():
            if fields.version >= version:
                values |= fields.each(layout)
        if fields.version >= _PEGGED_SINCE:
            values |= _pegged(fields, contract.exchange, values["orderType"])
        return cls(order_id=order_id, contract=contract, form=_form(values, combo_legs, conditions))


def _combo(fields: FieldReader) -> int:
    legs = fields.count()
    for _ in range(legs):
        fields.each(_COMBO_LEG)
    for _ in range(fields.count()):
        fields.each("price:d")
    _tags(fields)
    return legs


def _tags(fields: FieldReader) -> None:
    for _ in range(fields.count()):
        fields.each("tag:t value:t")


def _conditions(fields: FieldReader) -> int:
    conditions = fields.count()
    for _ in range(conditions):
        kind = fields.integer()
        if kind not in _CONDITIONS:
            raise WireError(f"a condition is of the kinds {sorted(_CONDITIONS)}, not {kind}")
        fields.each(_CONDITIONS[kind])
    if conditions:
        fields.each("conditionsIgnoreRth:f conditionsCancelOrder:f")
    return conditions


def _pegged(fields: FieldReader, exchange: str, order_type: Value) -> dict[str, Value]:
    """The last fields, there for a few exchanges and order types only."""
    read = fields.each("minTradeQty:i") if exchange == "IBKRATS" else {}
    if order_type in ("PEG BEST", "PEGBEST"):
        fields.each("minCompeteSize:i")
        if fields.text() != "Infinite":
            return read
    elif order_type not in ("PEG MID", "PEGMID"):
        return read
    fields.each("midOffsetAtWhole:d midOffsetAtHalf:d")
    return read


def _form(values: dict[str, Value], combo_legs: int, conditions: int) -> OrderForm:
    text = cast("dict[str, str]", values)
    number = cast("dict[str, Decimal | None]", values)
    integer = cast("dict[str, int | None]", values)
    flag = cast("dict[str, bool]", values)
    without_effect = frozenset(_WITHOUT_EFFECT.split())
    return OrderForm(
        action=text["action"],
        quantity=number["totalQuantity"] or ZERO,
        order_type=text["orderType"],
        limit_price=number["lmtPrice"],
        aux_price=number["auxPrice"],
        trail_stop_price=number["trailStopPrice"],
        trailing_percent=number["trailingPercent"],
        tif=text["tif"] or "DAY",
        good_till_date=text["goodTillDate"],
        oca_group=text["ocaGroup"],
        oca_type=integer["ocaType"] or 0,
        account=text["account"],
        order_ref=text["orderRef"],
        transmit=flag["transmit"],
        parent_id=integer["parentId"] or 0,
        outside_hours=flag["outsideRth"],
        hidden=flag["hidden"],
        what_if=flag["whatIf"],
        all_or_none=flag["allOrNone"],
        min_quantity=None if (least := integer["minQty"]) is None else Decimal(least),
        cash_quantity=number["cashQty"] or None,
        algo_strategy=text["algoStrategy"],
        conditions=conditions,
        combo_legs=combo_legs,
        unsupported=tuple(
            name
            for name, value in values.items()
            if name not in without_effect and value and value not in _UNSET_WORDS
        ),
    )
