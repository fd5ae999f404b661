"""Every kernel there is keeps the laws, and so does the model that they are compared with."""

import pytest
from tests.itch.compare import kernels

from nanobook_itch.testing.suite import ItchBooksSuite, ItchDecodeSuite

DECODERS = kernels("itch_decode")
BOOKS = kernels("itch_books")

# The model only now and then: what it is compared with keeps the laws too.
WHOSE = [
    pytest.param(whose, marks=[pytest.mark.slow] if whose == "model" else [])
    for whose in sorted(DECODERS)
]


class TestDecode(ItchDecodeSuite):
    @pytest.fixture(scope="class", params=WHOSE)
    @classmethod
    def kernel(cls, request):
        return DECODERS[request.param]


class TestBooks(ItchBooksSuite):
    @pytest.fixture(scope="class", params=WHOSE)
    @classmethod
    def kernel(cls, request):
        return BOOKS[request.param]
