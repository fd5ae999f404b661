"""How planned faults happen on what a client is told."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from nanobook_core.broker.fault_script import How
from nanobook_ibkr.simulator.fault import Fault
from nanobook_ibkr.simulator.record import OrderStatusWord
from nanobook_ibkr.simulator.wire import Field

if TYPE_CHECKING:
    from nanobook_ibkr.simulator.client import Client

Message: TypeAlias = Sequence[Field]

ORDER_STATUS, OPEN_ORDER, EXECUTION, COMMISSION = 3, 5, 11, 59
_OF_ORDERS = frozenset({ORDER_STATUS, OPEN_ORDER, EXECUTION, COMMISSION})
_EXEC_ID_AT = 14
"""Where an execution has its id; a commission has it at 2."""


def meet_messages(client: Client, batch: list[Message]) -> list[Message]:
    """What is told instead of the messages of a turn."""
    script = client.server.script
    for fault, is_occasion, happen in _CHANGES:
        if is_occasion(batch):
            how = client.take(fault)
            if how is not None:
                batch = happen(client, batch, how)
    return [m for m in batch if m[0] != COMMISSION or m[2] not in script.withheld]


def until_fill(batch: list[Message]) -> list[Message]:
    """The messages before those that tell of a fill, the first of which is an execution."""
    return list(itertools.takewhile(lambda message: not _is_fill(message), batch))


def _is_fill(message: Message) -> bool:
    return message[0] == EXECUTION and message[1] == -1


def _has_fill(batch: list[Message]) -> bool:
    return any(_is_fill(message) for message in batch)


def _has_orders(batch: list[Message]) -> bool:
    return any(message[0] in _OF_ORDERS for message in batch)


def _has_statuses(batch: list[Message]) -> bool:
    return sum(message[0] == ORDER_STATUS for message in batch) > 1


def _is_acknowledged(message: Message) -> bool:
    return (
        message[0] == ORDER_STATUS
        and not message[3]
        and message[2] in (OrderStatusWord.PRE_SUBMITTED, OrderStatusWord.SUBMITTED)
    )


def _has_acknowledgement(batch: list[Message]) -> bool:
    return any(_is_acknowledged(message) for message in batch)


def _duplicate(client: Client, batch: list[Message], how: How) -> list[Message]:
    del client, how
    return [m for message in batch for m in [message] * (2 if message[0] in _OF_ORDERS else 1)]


def _executions_first(client: Client, batch: list[Message], how: How) -> list[Message]:
    del client, how
    return sorted(batch, key=lambda message: message[0] not in (EXECUTION, COMMISSION))


def _reverse_statuses(client: Client, batch: list[Message], how: How) -> list[Message]:
    del client, how
    backwards = iter([m for m in reversed(batch) if m[0] == ORDER_STATUS])
    return [next(backwards) if m[0] == ORDER_STATUS else m for m in batch]


def _delay_commissions(client: Client, batch: list[Message], how: How) -> list[Message]:
    server, client_id = client.server, client.client_id
    late = [message for message in batch if message[0] == COMMISSION]

    def tell() -> None:
        for each in server.clients.values():
            if each.client_id == client_id:
                for message in late:
                    each.send(message)

    server.later(how.get("seconds", 0.5), tell)
    return [message for message in batch if message[0] != COMMISSION]


def _withhold_commissions(client: Client, batch: list[Message], how: How) -> list[Message]:
    del how
    client.server.script.withheld.update(str(m[_EXEC_ID_AT]) for m in batch if _is_fill(m))
    return batch


def _drop_mid_fill(client: Client, batch: list[Message], how: How) -> list[Message]:
    del how
    client.close_after_turn()
    first = next(place for place, message in enumerate(batch) if _is_fill(message))
    return batch[: first + 1]


def _correct(client: Client, batch: list[Message], how: How) -> list[Message]:
    exec_id = str(next(message[_EXEC_ID_AT] for message in batch if _is_fill(message)))
    server, venue = client.server, client.server.venue
    execution = next((each for each in venue.executions if each.exec_id == exec_id), None)
    if execution is None:  # it has been corrected in the same turn
        return batch
    change = how or {"price": execution.price + execution.contract.price_steps[-1][1]}
    server.later(0, lambda: venue.correct(exec_id, **change))
    return batch


def _tell_inactive(client: Client, batch: list[Message], how: How) -> list[Message]:
    del client, how
    place = max(place for place, message in enumerate(batch) if _is_acknowledged(message))
    inactive = [*batch[place]]
    inactive[2] = OrderStatusWord.INACTIVE
    return [*batch[: place + 1], inactive, *batch[place + 1 :]]


_CHANGES: tuple[
    tuple[
        Fault,
        Callable[[list[Message]], bool],
        Callable[[Client, list[Message], How], list[Message]],
    ],
    ...,
] = (
    (Fault.CORRECTION, _has_fill, _correct),
    (Fault.COMMISSION_NEVER, _has_fill, _withhold_commissions),
    (Fault.COMMISSION_LATE, _has_fill, _delay_commissions),
    (Fault.INACTIVE_THEN_FILLED, _has_acknowledgement, _tell_inactive),
    (Fault.EXECUTION_BEFORE_STATUS, _has_fill, _executions_first),
    (Fault.STATUS_REORDERED, _has_statuses, _reverse_statuses),
    (Fault.DUPLICATE_MESSAGES, _has_orders, _duplicate),
    (Fault.DROP_MID_FILL, _has_fill, _drop_mid_fill),
)
