"""What a run may do."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class Options:
    """By default it asks before it sends, and moves no real money."""

    dry_run: bool = False
    """Send nothing, and leave no plan that a later run would go on with."""
    force: bool = False
    """Ask nobody, and pass what the risk gate only warns of."""
    live: bool = False
    """Real money may move."""
    cancel_orphans: bool = False
    """Cancel orders with an id of ours that the audit log does not explain."""
    flatten: bool = False
    """Only close positions, and that while the kill switch is set too."""
    accept_positions: bool = False
    """Take what the broker says is held, even where fills do not explain it."""
