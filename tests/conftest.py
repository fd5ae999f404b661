"""How all tests run: hypothesis without a clock, and no skip that nobody has agreed to."""

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

# Distributions of others, with tests of their own: test_third_party.py runs them where they belong.
collect_ignore = ["sample_plugin"]

settings.register_profile(
    "nanobook", deadline=None, print_blob=True, derandomize=os.environ.get("CI") == "true"
)
settings.load_profile("nanobook")

ALLOWED_SKIPS = Path(__file__).with_name("allowed_skips.txt")


def pytest_configure(config):
    lines = [line.strip() for line in ALLOWED_SKIPS.read_text().splitlines()]
    allowed = [line for line in lines if line and not line.startswith("#")]
    config.pluginmanager.register(SkipGate(allowed), "skip-gate")


class SkipGate:
    """Counts skips by reason; one whose reason is not on the list fails the run."""

    def __init__(self, allowed):
        self.used = Counter(dict.fromkeys(allowed, 0))
        self.unlisted = []

    def pytest_runtest_logreport(self, report):
        if report.skipped and not hasattr(report, "wasxfail"):
            self.note(report)

    def pytest_collectreport(self, report):
        if report.skipped:
            self.note(report)

    def note(self, report):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if reason in self.used:
            self.used[reason] += 1
        else:
            self.unlisted.append(f"{report.nodeid}: {reason}")

    def pytest_sessionfinish(self, session):
        if self.unlisted and session.exitstatus in (
            pytest.ExitCode.OK,
            pytest.ExitCode.NO_TESTS_COLLECTED,
        ):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        terminalreporter.section("skips")
        for reason, count in self.used.items():
            terminalreporter.line(f"allowed, {count} used: {reason}")
        if not self.used:
            terminalreporter.line("none is allowed")
        for line in self.unlisted:
            terminalreporter.line(f"NOT ALLOWED {line}", red=True)
        if self.unlisted:
            terminalreporter.line(
                f"run failed: {len(self.unlisted)} skips for a reason that is not "
                f"in tests/{ALLOWED_SKIPS.name}",
                red=True,
            )
