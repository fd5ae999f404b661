"""What is to be traded, decided once."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Self, get_args

import cattrs
from attrs import Attribute, field, frozen
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from nanobook_core.contracts import BrokerOrder, BrokerTimeInForce, OrderType, Quote
from nanobook_core.errors import ValidationError
from nanobook_rebalancer.client_id import client_id
from nanobook_rebalancer.cost import Cost
from nanobook_rebalancer.decimal_text import decimal_text
from nanobook_rebalancer.errors import PlanError
from nanobook_rebalancer.leg import Action, Leg, Phase, Skipped
from nanobook_rebalancer.plan_text import plan_html, plan_text


def _by_symbol(table: Mapping[str, Any]) -> dict[str, Any]:
    return dict(sorted(table.items()))


def _in_utc(_: object, attribute: Attribute[Any], moment: dt.datetime) -> None:
    if moment.utcoffset() != dt.timedelta(0):
        raise ValidationError(f"{attribute.name} of a plan is in UTC, got {moment}")


@frozen(kw_only=True, repr=False)
class Plan:
    """Every trade that leads from what an account holds to target weights, with its limit.

    It is written down before anything is sent, and never computed again: a run that goes on after
    a crash goes on with this one.
    """

    window: str
    """What a target is executed for once: its id, or else its timestamp."""
    account_id: str
    created_at: dt.datetime = field(validator=_in_utc)
    """In UTC."""
    ttl: int
    """Seconds after which nothing of it may be sent for the first time."""
    currency: str
    """What money is in."""
    equity: Decimal
    positions: Mapping[str, Decimal] = field(converter=_by_symbol)
    """Signed quantities before the first trade."""
    quotes: Mapping[str, Quote] = field(converter=_by_symbol)
    """Prices that it was made from."""
    targets: Mapping[str, Decimal] = field(converter=_by_symbol)
    """Weights, as fractions of equity; negative when short."""
    legs: tuple[Leg, ...]
    """In the order in which they may be sent: those that reduce before those that increase."""
    skipped: tuple[Skipped, ...] = ()
    tif: BrokerTimeInForce = BrokerTimeInForce.DAY
    """For how long its orders work: as usual at its venue."""
    cost: Cost
    risk: Any = field(default=None, eq=False)
    """What the risk gate said of all legs together; None in a plan that was read from a file."""
    warnings: tuple[str, ...] = field(default=(), eq=False)
    """What is not wrong with target and config and should be known."""
    _execute: Callable[..., Any] | None = field(default=None, eq=False, alias="execute")

    def __str__(self) -> str:
        return plan_text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return plan_html(self)

    def execute(self, *, live: bool = False) -> Any:
        """Trade it, and return a `Result` that prints as a report; real money needs `live`.

        Orders, timeouts, audit log and recovery are those of `rebalancer run`; the log is where the
        config says, by default in `logs`. What is written there as done is not done again, and
        warnings of the risk gate do not stop it: they were to be seen in `risk`.

        Raises:
            PlanError: it was read from a file, so that it has no broker.
            LockedError: a rebalancer is at work with the same audit log.
            AuditError, AuditWriteError: the audit log is damaged, or cannot be written.
            BrokerError: the broker does not answer; the next run takes up what was begun.

        """
        if self._execute is None:
            raise PlanError("this plan has no broker; make it with nanobook.plan")
        return self._execute(self, live=live)

    @property
    def expires_at(self) -> dt.datetime:
        """When it is too old for anything new to be sent."""
        return self.created_at + dt.timedelta(seconds=self.ttl)

    @property
    def orders(self) -> tuple[BrokerOrder, ...]:
        """The legs as orders of their first attempt."""
        return tuple(self.order(leg) for leg in self.legs)

    def order(self, leg: Leg, attempt: int = 1, quantity: Decimal | None = None) -> BrokerOrder:
        """Return a leg as an order, of all of it or of so much."""
        return BrokerOrder(
            leg.symbol,
            leg.side,
            leg.quantity if quantity is None else quantity,
            OrderType.LIMIT,
            leg.limit,
            tif=self.tif,
            client_order_id=client_id(
                self.account_id, self.window, leg.symbol, leg.number, attempt
            ),
        )

    @property
    def hindered(self) -> tuple[Skipped, ...]:
        """What cannot be traded, so that the weights are not reached."""
        return tuple(trade for trade in self.skipped if trade.is_hindered)

    @property
    def changes(self) -> dict[str, Decimal]:
        """Signed quantity that all legs trade together, by symbol."""
        changes: dict[str, Decimal] = {}
        for leg in self.legs:
            changes[leg.symbol] = changes.get(leg.symbol, Decimal(0)) + leg.signed_quantity
        return changes

    def phase(self, phase: Phase) -> tuple[Leg, ...]:
        """The legs of one phase, in their order."""
        return tuple(leg for leg in self.legs if leg.phase is phase)

    def to_data(self) -> dict[str, Any]:
        """Return it as what JSON has: other than whole numbers are exact strings.

        Without `risk`, which is recorded by itself, and without the account's id, which is not
        written down whole; a digest of it and of the window is there instead.
        """
        data: dict[str, Any] = _DATA.unstructure(self)
        return data | {"digest": self._digest()}

    @classmethod
    def from_data(cls, data: Any, *, account_id: str) -> Self:
        """Read what `to_data` gave; the plan is equal to the one that gave it.

        Raises:
            ValidationError: it is something else, of another account, or its window is not whole:
                its orders would have other client ids.

        """
        try:
            known = dict(data)
            digest = known.pop("digest")
            plan = _DATA.structure(known | {"account_id": account_id}, cls)
        except Exception as error:
            reason = "; ".join(cattrs.transform_error(error, path="plan"))
            raise ValidationError(f"no plan: {reason:.300}") from error
        if plan._digest() != digest:  # noqa: SLF001 - our own
            raise ValidationError(
                f"the plan of window {plan.window!r:.80} is not of account {account_id!r}, or its "
                "window is not what it was"
            )
        return plan

    def _digest(self) -> str:
        return hashlib.sha256(f"{self.account_id}|{self.window}".encode()).hexdigest()


def _decimal(value: Any, _: type) -> Decimal:
    if not isinstance(value, str):
        raise TypeError(f"a number as a string, got {value!r:.40}")
    return Decimal(value)


def _table_hooks(data: cattrs.Converter, kind: Any) -> None:
    """Tables by symbol are lists of pairs, as a key may look like the name of a credential."""
    value = get_args(kind)[1]
    data.register_unstructure_hook_func(
        lambda found: found == kind,
        lambda table: [[symbol, data.unstructure(each, value)] for symbol, each in table.items()],
    )
    data.register_structure_hook_func(
        lambda found: found == kind,
        lambda pairs, _: {symbol: data.structure(each, value) for symbol, each in pairs},
    )


def _converter() -> cattrs.Converter:
    data = cattrs.Converter(forbid_extra_keys=True)
    data.register_unstructure_hook(Decimal, decimal_text)
    data.register_structure_hook(Decimal, _decimal)
    data.register_unstructure_hook(dt.datetime, dt.datetime.isoformat)
    data.register_structure_hook(dt.datetime, lambda text, _: dt.datetime.fromisoformat(text))
    for words in (Action, Phase, BrokerTimeInForce):
        data.register_unstructure_hook(words, lambda word: word.value)
    data.register_unstructure_hook(float, repr)
    data.register_structure_hook(float, lambda text, _: float(text))
    # Before a plan's, and by hand, because a quote is a mapping too.
    data.register_unstructure_hook(
        Quote, make_dict_unstructure_fn(Quote, data, _cattrs_omit_if_default=True)
    )
    data.register_structure_hook(
        Quote, make_dict_structure_fn(Quote, data, _cattrs_forbid_extra_keys=True)
    )
    data.register_unstructure_hook(
        Cost, make_dict_unstructure_fn(Cost, data, currency=override(omit_if_default=True))
    )
    for kind in (Mapping[str, Decimal], Mapping[str, Quote]):
        _table_hooks(data, kind)
    data.register_unstructure_hook(
        Plan,
        make_dict_unstructure_fn(
            Plan,
            data,
            account_id=override(omit=True),
            tif=override(omit_if_default=True),
            risk=override(omit=True),
            warnings=override(omit=True),
            _execute=override(omit=True),
        ),
    )
    data.register_structure_hook(
        Plan,
        make_dict_structure_fn(
            Plan,
            data,
            _cattrs_forbid_extra_keys=True,
            risk=override(omit=True),
            warnings=override(omit=True),
            _execute=override(omit=True),
        ),
    )
    return data


_DATA = _converter()
