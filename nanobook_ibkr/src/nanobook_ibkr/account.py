"""Which account a session uses, and whether it is the one that was meant."""

from __future__ import annotations

from nanobook_core.contracts.broker_error import ConnectError

_PAPER_PORTS = (4002, 7497)
_LIVE_PORTS = (4001, 7496)


def is_paper(account: str) -> bool:
    """Whether no real money is in it: the venue's names of those begin with a D."""
    return account.startswith("D")


def choose_account(accounts: tuple[str, ...], wanted: str | None, port: int) -> str:
    """The account wanted, or the only one there is.

    Raises:
        ConnectError: there is no such account, or several and none is wanted; or the port is that
            of the other kind of account, so that somebody is mistaken.

    """
    listed = ", ".join(accounts)
    if wanted is None and len(accounts) > 1:
        raise ConnectError(
            f"this user has several accounts, say which: account= one of {listed}", broker="ibkr"
        )
    account = accounts[0] if wanted is None else wanted
    if account not in accounts:
        raise ConnectError(
            f"there is no account {account!r:.40}; this user has {listed}", broker="ibkr"
        )
    if port in (_LIVE_PORTS if is_paper(account) else _PAPER_PORTS):
        ours, other, ports = (
            ("paper", "live", "4002 or 7497")
            if is_paper(account)
            else ("live", "paper", "4001 or 7496")
        )
        raise ConnectError(
            f"port {port} is that of {other} accounts by custom, and {account} is a {ours} one; "
            f"to use it, set the port of TWS or Gateway to {ports}, or to one that says nothing",
            broker="ibkr",
        )
    return account
