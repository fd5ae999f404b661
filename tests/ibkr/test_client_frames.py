"""The messages that the fuzzers mutate and the benchmark sends are those of the library here."""

import json

import pytest
from tests.ibkr.client_frames import DATA, VERSIONS, frames


@pytest.mark.parametrize("version", VERSIONS)
def test_the_installed_library_sends_these_messages(version):
    assert frames(version) == json.loads(DATA.read_text())[str(version)]
