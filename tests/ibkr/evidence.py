"""What a session with the simulated gateway leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from attrs import field, frozen
from tests.fault.evidence import Cancel, Replace, Submit, Told, Violation

from nanobook_ibkr.simulator.record import VenueExecution, VenueOrder


@frozen(kw_only=True)
class Truth:
    """What the venue knows, and what reached it."""

    client_id: int
    """The broker's."""
    orders: tuple[VenueOrder, ...]
    executions: tuple[VenueExecution, ...]
    """As they stand: one that was corrected has the id of its last correction."""
    positions: Mapping[str, Decimal]
    cash: Decimal
    placed: frozenset[tuple[str, str]]
    """(orderRef, number) of each message that places or changes an order of this client.

    Without numbers that the venue has refused as used (103) and has no order of: nothing can ever
    come of them.
    """

    @property
    def own(self) -> list[VenueOrder]:
        """Orders of this client."""
        return [each for each in self.orders if each.client_id == self.client_id]

    @property
    def standing(self) -> dict[str, VenueExecution]:
        """Executions by id."""
        return {each.exec_id: each for each in self.executions}

    @property
    def own_executions(self) -> list[VenueExecution]:
        """Executions of this client's orders."""
        return [each for each in self.executions if each.client_id == self.client_id]

    def is_superseded(self, exec_id: str) -> bool:
        """Whether a correction has taken the place of that execution."""
        stem, _, revision = exec_id.rpartition(".")
        return any(
            each.rpartition(".")[0] == stem and each.rpartition(".")[2] > revision
            for each in self.standing
        )


@frozen(kw_only=True)
class Evidence:
    """All that a run leaves behind."""

    asked: tuple[Submit | Replace | Cancel, ...]
    truth: Truth
    told: Told
    fees_known: bool = True
    """Whether the venue has told all of them."""
    violations: tuple[Violation, ...] = field(default=(), converter=tuple)
    """What was seen while it ran: calls that hang, errors that say nothing."""
