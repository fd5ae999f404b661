"""Both engines, and the model as far as it goes, pass the suite for authors of engines."""

import pytest
from tests.lob.engines import ENGINES

from nanobook_core.lob.reference import Exchange
from nanobook_core.testing import EngineSuite


class TestReference(EngineSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls):
        return Exchange


class TestBest(EngineSuite):
    """The compiled engine where there is one."""

    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls):
        return [*ENGINES.values()][-1]
