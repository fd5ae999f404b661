"""The real command on a gateway, in processes that are really killed; as `kill_nine_child.py`.

    python tests/ibkr/crash_child.py

Its steps are those of the audit log, of what the broker writes down, and of what it sends.
"""

from __future__ import annotations

import functools
import inspect
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.rebalancer.kill_nine_child import Death, serve

from nanobook_ibkr.broker import IbkrBroker
from nanobook_ibkr.journal import Journal
from nanobook_ibkr.session import Session

#: Where a step begins and ends, and what it is called.
STEPS = (
    (IbkrBroker, "connect", "connect"),
    (IbkrBroker, "account", "account"),
    (IbkrBroker, "positions", "positions"),
    (IbkrBroker, "quote", "quote"),
    (IbkrBroker, "_send", "ack"),
    (IbkrBroker, "cancel_order", "cancel_send"),
    (IbkrBroker, "find_order", "find"),
    (IbkrBroker, "fills", "fills"),
    (Journal, "write", "journal"),
    (Session, "place", "send"),
)


class GatewayDeath(Death):
    """Dies of a step of the broker too."""

    def install(self) -> None:
        """Have every effect on files, journal and gateway be a step."""
        super().install()
        for owner, method, label in STEPS:
            setattr(owner, method, self.stepping(getattr(owner, method), label))

    def stepping(self, method: Any, label: str) -> Any:
        """Do the same, and note when it begins and ends."""
        if inspect.iscoroutinefunction(method):

            @functools.wraps(method)
            async def send(*arguments: Any, **keywords: Any) -> Any:
                self.step(f"before {label}{self.place}")
                result = await method(*arguments, **keywords)
                self.step(f"{label}{self.place}")
                return result

            return send

        @functools.wraps(method)
        def do(*arguments: Any, **keywords: Any) -> Any:
            self.step(f"before {label}{self.place}")
            result = method(*arguments, **keywords)
            self.step(f"{label}{self.place}")
            return result

        return do


if __name__ == "__main__":
    serve(GatewayDeath)
