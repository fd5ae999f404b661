"""`python -m nanobook_binance.simulator`: a Binance to try programs on, with no account there."""

import signal
import sys


def main() -> int:
    """Run the command; its exit code comes back."""
    try:  # what it needs takes a while
        from nanobook_binance.simulator.command import simulator
        from nanobook_core.cli.main import run_command
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        return 128 + signal.SIGINT
    return run_command(simulator, "python -m nanobook_binance.simulator")


if __name__ == "__main__":
    sys.exit(main())
