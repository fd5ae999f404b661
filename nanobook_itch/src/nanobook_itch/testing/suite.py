"""Conformance suites for kernels of ITCH: subclass one and override its fixture `kernel`."""

import pytest

# Before the suites are imported, or a third party sees bare AssertionErrors.
pytest.register_assert_rewrite(
    "nanobook_itch.testing.book_rows",
    "nanobook_itch.testing.books_suite",
    "nanobook_itch.testing.decode_suite",
)

from nanobook_itch.testing.books_suite import ItchBooksSuite  # noqa: E402 - see above
from nanobook_itch.testing.decode_suite import ItchDecodeSuite  # noqa: E402 - see above

__all__ = ["ItchBooksSuite", "ItchDecodeSuite"]
