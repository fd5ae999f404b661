"""A plugin whose broker puts its credentials into everything it says."""

from nanobook_core import Capability, Kind, hookimpl


@hookimpl
def nanobook_brokers():
    return [
        Capability(
            kind=Kind.BROKER,
            name="leaky",
            target="acme_leaky.broker:Leaky",
            summary="a paper broker that tells its credentials",
        )
    ]
