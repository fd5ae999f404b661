"""An endpoint of the API: what it needs, what it costs, and who answers it; HTTP is not known here.

The WebSocket API asks the same endpoints by other names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import Factory, define, frozen

from nanobook_binance.simulator.server.parameter import Parameter, read
from nanobook_binance.simulator.server.security import SIGNED, Security
from nanobook_binance.simulator.venue import Refusal, Venue

if TYPE_CHECKING:
    from nanobook_binance.simulator.server.server import Server

Weight: TypeAlias = Callable[[Mapping[str, str]], int]


@define(kw_only=True)
class Asked:
    """A request that has been let in: the values of its parameters, and of whom it is asked."""

    server: Server
    account: str | None
    values: Mapping[str, Any]
    headers: dict[str, str] = Factory(dict)
    """What the answer's headers are to say besides."""

    @property
    def venue(self) -> Venue:
        """Where it is asked."""
        return self.server.venue

    @property
    def owner(self) -> str:
        """The account that asks, of an endpoint that needs one."""
        if self.account is None:
            raise LookupError("this endpoint is open to all")
        return self.account

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def get(self, name: str, default: Any = None) -> Any:
        """A value, or the default where it was not sent."""
        return self.values.get(name, default)


class PartlyDone(Refusal):
    """A refusal that says what was done all the same."""

    def __init__(self, code: int, message: str, http_status: int, data: Mapping[str, Any]) -> None:
        super().__init__(code, message, http_status)
        self.data = data


@frozen(kw_only=True)
class Endpoint:
    """One method of HTTP on one path."""

    method: str
    path: str
    security: Security = Security.NONE
    weight: Weight
    parameters: tuple[Parameter, ...] = ()
    answer: Callable[[Asked], Any]
    is_free: bool = False
    """Whether it costs nothing where it succeeds."""

    @property
    def name(self) -> str:
        """As faults and the log call it."""
        return f"{self.method} {self.path}"

    def values(self, sent: Mapping[str, str]) -> dict[str, Any]:
        """The values of the parameters that were sent.

        Raises:
            Refusal: they are not those of this endpoint.

        """
        own = self.parameters
        return read(own if self.security is Security.NONE else (*own, *SIGNED), sent)


def costs(weight: int) -> Weight:
    """It always costs that much."""

    def cost(sent: Mapping[str, str]) -> int:
        del sent
        return weight

    return cost


def refusal_body(refusal: Refusal) -> dict[str, Any]:
    """The JSON of a refusal."""
    body: dict[str, Any] = {"code": refusal.code, "msg": refusal.message}
    if isinstance(refusal, PartlyDone):
        body["data"] = refusal.data
    return body
