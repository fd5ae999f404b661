"""The rebalancer as its command starts it, with clock, files and broker given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.rebalancer.fault import CANARY
from tests.rebalancer.sim_venue import ACCOUNT

from nanobook_core.contracts import Broker, Clock
from nanobook_core.errors import NanobookError
from nanobook_core.lob.file_layer import FileLayer
from nanobook_rebalancer.config_file import to_config
from nanobook_rebalancer.errors import (
    AuditError,
    AuditWriteError,
    InputError,
    LockedError,
    PlanError,
)
from nanobook_rebalancer.options import Options
from nanobook_rebalancer.redaction import Redactor
from nanobook_rebalancer.run import Rebalancer
from nanobook_rebalancer.screen import Screen

AUDIT, TARGET = "audit.jsonl", "target.json"
#: Seconds after which an order is cancelled: longer than any fills that come by themselves.
ORDER_TIMEOUT = 8
CONFIG: dict[str, Any] = {
    "account": {"id": ACCOUNT, "type": "margin"},
    "execution": {"order_interval_ms": 100, "order_timeout_secs": ORDER_TIMEOUT},
    "risk": {"max_trade_usd": 1_000_000, "max_leverage": 3},
    "logging": {"dir": ".", "audit_file": AUDIT},
}


class Consent(Screen):
    """Prints what there is to say, as the command's terminal does, and says yes."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor

    def confirm(self) -> bool:
        return True

    def note(self, text: str) -> None:
        print(self.redactor.text(text))  # noqa: T201 - what is printed is judged


def run_program(
    folder: Path,
    broker: Broker,
    clock: Clock,
    files: FileLayer,
    *,
    target: str = TARGET,
    timeout: int = ORDER_TIMEOUT,
    max_attempts: int = 1,
) -> int:
    """Exit code of one run, whose message or error is printed."""
    execution = {
        **CONFIG["execution"],
        "order_timeout_secs": timeout,
        "max_attempts": max_attempts,
    }
    redactor = Redactor([CANARY])
    rebalancer = Rebalancer(
        config=to_config({**CONFIG, "execution": execution}, folder=folder),
        broker=broker,
        clock=clock,
        files=files,
        redactor=redactor,
        screen=Consent(redactor),
    )
    try:
        result = rebalancer.run_file(folder / target, Options())
    except tuple(CODES) as error:
        print(redactor.text(str(error)))  # noqa: T201
        return next(code for kind, code in CODES.items() if isinstance(error, kind))
    print(redactor.text(result.message))  # noqa: T201
    return result.exit_code


#: Exit code of the command by what ended it, the first that fits.
CODES: dict[type[Exception], int] = {
    AuditWriteError: 5,
    AuditError: 4,
    LockedError: 6,
    InputError: 2,
    PlanError: 2,
    NanobookError: 1,
    OSError: 1,
}
