"""How the laws of every suite are tried."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

#: Stands above `given`. No deadline: the first example pays for imports, and how fast an
#: implementation is belongs in a benchmark. A suite is there to be inherited by several classes of
#: one run, which hypothesis takes for a mistake.
law = settings(deadline=None, suppress_health_check=[HealthCheck.differing_executors])
