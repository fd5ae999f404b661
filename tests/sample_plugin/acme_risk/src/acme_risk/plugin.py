"""What acme-risk offers."""

from nanobook_core import Capability, Kind, hookimpl


@hookimpl
def nanobook_risk_checks() -> list[Capability]:
    """Offer the restricted list."""
    return [
        Capability(
            kind=Kind.RISK_CHECK,
            name="restricted_list",
            target="acme_risk.restricted:RestrictedList",
            summary="no new exposure to symbols on a list",
        )
    ]
