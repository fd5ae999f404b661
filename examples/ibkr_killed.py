"""Fifty orders over the socket of a simulated gateway, killed in the middle and taken up again."""

import json
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from nanobook_ibkr.simulator import SimulatedGateway, Venue
from nanobook_ibkr.simulator.record import ContractDefinition

ORDERS = 50
#: The rebalancer as its command starts it.
COMMAND = [
    sys.executable,
    *("-c", "from nanobook_rebalancer.command import main; main()"),
    *("run", "target.json", "--force"),
]
CONFIG = """
[connection]
host = "127.0.0.1"
port = {port}
client_id = 1

[account]
id = "DU1234567"

[execution]
order_interval_ms = 0
"""


def stocks():
    """A venue with that many stocks, at 20, 21, 22 and so on."""
    listed = [ContractDefinition(con_id=n, symbol=f"S{n:02}") for n in range(1, ORDERS + 1)]
    venue = Venue(listed)
    for n, each in enumerate(listed):
        venue.set_quote(each.symbol, Decimal(20 + n) - Decimal("0.01"), Decimal(20 + n))
    return venue


def set_up(folder, port):
    """Write what the command reads: a hundredth of the account in each, half of them short."""
    (folder / "config.toml").write_text(CONFIG.format(port=port))
    weights = [
        {"symbol": f"S{n:02}", "weight": 0.01 if n % 2 else -0.01} for n in range(1, ORDERS + 1)
    ]
    target = {"timestamp": datetime.now(UTC).isoformat(), "targets": weights}
    (folder / "target.json").write_text(json.dumps(target))


def ours(gateway):
    """Orders that the gateway has of the rebalancer."""
    return [order for order in gateway.orders() if order.form.order_ref]


def run(folder, gateway, kill_after=None):
    """Run the command, or kill it once the gateway has so many of its orders; how it ended."""
    with (folder / "output.txt").open("w") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command
            COMMAND, cwd=folder, stdout=output, stderr=output
        )
        while kill_after is not None and process.poll() is None:
            if len(ours(gateway)) >= kill_after:
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.001)
    return process.wait()


def main():
    """Trade, be killed, trade on, and compare."""
    with tempfile.TemporaryDirectory() as name, SimulatedGateway(stocks()) as gateway:
        folder = Path(name)
        set_up(folder, gateway.port)
        code = run(folder, gateway, kill_after=ORDERS // 2)
        print(f"the first run ended with {code}, {len(ours(gateway))} orders are at the gateway")
        began = time.monotonic()
        code = run(folder, gateway)
        seconds = time.monotonic() - began
        print(f"the same command again ended with {code} after {seconds:.1f} s:")
        print((folder / "output.txt").read_text().strip().splitlines()[-1])

        audit = map(json.loads, (folder / "logs" / "audit.jsonl").read_text().splitlines())
        (planned,) = [each["data"]["plan"] for each in audit if each["event"] == "diff_computed"]
        wanted = {
            leg["symbol"]: int(leg["quantity"]) * (1 if leg["action"] == "BUY" else -1)
            for leg in planned["legs"]
        }
        held = {each.contract.symbol: int(each.quantity) for each in gateway.positions()}
        orders = ours(gateway)
        times = sorted(order.accepted_at for order in orders[ORDERS // 2 + 1 :])
        rate = (len(times) - 1) / (times[-1] - times[0]).total_seconds()
        print(f"planned {len(wanted)} orders, the gateway has {len(orders)}")
        print(f"sent twice: {len(orders) - len({order.form.order_ref for order in orders})}")
        print(f"positions that are not as planned: {sum(held[s] != n for s, n in wanted.items())}")
        print(f"{rate:.0f} orders a second, each checked, written down and filled before the next")


if __name__ == "__main__":
    main()
