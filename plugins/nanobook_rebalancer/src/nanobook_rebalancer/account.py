"""Whose orders these are."""

from __future__ import annotations

from nanobook_core.contracts import Broker
from nanobook_rebalancer.config import Config
from nanobook_rebalancer.errors import PlanError


def account_of(broker: Broker, config: Config) -> str:
    """Return the id of the account; connects only where it is not known without.

    Raises:
        BrokerError: it has to be asked for, and the broker does not answer.

    """
    known = config.account.id or broker.connection().account_id
    if not known:
        broker.connect(config.timeout)
        known = broker.connection().account_id or broker.account().account_id
    return known or broker.name


def check_account(broker: Broker, account_id: str) -> None:
    """Look whether a connected broker has that account, before it is asked for orders of it.

    Raises:
        PlanError: it has another.
        BrokerError: it does not answer.

    """
    actual = broker.connection().account_id or broker.account().account_id
    if actual and actual != account_id:
        raise PlanError(f"the broker has account {actual}, and this run is for {account_id}")
