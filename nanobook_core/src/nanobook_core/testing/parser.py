"""Laws of a parser of market data."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobook_core.contracts import CancelResult, Event, ModifyResult, Parser, SubmitResult
from nanobook_core.errors import NanobookError
from nanobook_core.lob.multi import MultiExchange
from nanobook_core.testing.law import law
from nanobook_core.types import check_symbol

Events: TypeAlias = list[tuple[str, Event]]


class ParserSuite:
    """What a parser must do."""

    @pytest.fixture(scope="class")
    @classmethod
    def parser(cls) -> Any:
        """Return the parser under test; `functools.partial` sets its options."""
        raise NotImplementedError("override the fixture `parser`")

    @pytest.fixture(scope="class")
    @classmethod
    def source(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """Return a small file that it can parse, of two events or more.

        Damaged copies of it will have its name.
        """
        raise NotImplementedError("override the fixture `source`")

    def test_it_fulfils_the_contract(self, parser: Any) -> None:
        """It can be called."""
        assert isinstance(parser, Parser)

    def test_it_gives_symbols_and_events(self, parser: Any, source: Path) -> None:
        """Every one of them valid by itself."""
        events = parser(source)
        _check_events(events)
        assert len(events) > 1

    def test_a_path_may_be_a_string(self, parser: Any, source: Path) -> None:
        """And gives the same."""
        assert list(parser(str(source))) == list(parser(source))

    def test_the_file_is_not_changed(self, parser: Any, source: Path) -> None:
        """Nor is another one written beside it."""
        before, beside = source.read_bytes(), sorted(source.parent.iterdir())
        parser(source)
        assert source.read_bytes() == before
        assert sorted(source.parent.iterdir()) == beside

    def test_an_exchange_accepts_every_event(self, parser: Any, source: Path) -> None:
        """Each symbol's exchange has seen nothing else, so that ids are those that it gives."""
        books = MultiExchange()
        for number, (symbol, event) in enumerate(parser(source)):
            # Not made for a request that can only fail there: that would have no exchange.
            answer = books.get_or_create(symbol).submit(event)
            assert not _is_refusal(event, answer), (number, symbol, event, answer)

    def test_a_file_that_is_not_there_is_not_found(self, parser: Any, source: Path) -> None:
        """As from `open`."""
        with pytest.raises(FileNotFoundError):
            parser(source.parent / "no such folder" / source.name)

    def test_a_folder_is_refused(self, parser: Any, source: Path) -> None:
        """As from `open`."""
        with TemporaryDirectory() as folder:
            path = Path(folder, source.name)
            path.mkdir()
            with pytest.raises((OSError, NanobookError)):
                parser(path)

    def test_an_empty_file_is_refused(self, parser: Any, source: Path) -> None:
        """It is more likely a lost one than a day on which nothing happened."""
        with TemporaryDirectory() as folder:
            path = Path(folder, source.name)
            path.touch()
            with pytest.raises((OSError, NanobookError)):
                parser(path)

    @pytest.mark.parametrize("path", [None, 1.5, 2**31, ["file"]])
    def test_what_is_no_path_is_a_type_error(self, parser: Any, path: object) -> None:
        """A number least of all: `open` would take it for a file that is open already."""
        with pytest.raises(TypeError):
            parser(path)

    def test_an_unknown_option_is_a_type_error(self, parser: Any, source: Path) -> None:
        """What is misspelt is not passed over."""
        with pytest.raises(TypeError):
            parser(source, no_such_option=True)

    @law
    @given(data=st.data())
    def test_of_a_file_that_was_cut_nothing_is_made_up(
        self, parser: Any, source: Path, data: st.DataObject
    ) -> None:
        """It is refused, or what is whole of it gives the same events as before."""
        content = source.read_bytes()
        cut = data.draw(st.integers(0, len(content) - 1))
        whole, part = list(parser(source)), _parsed(parser, source.name, content[:cut])
        if part is not None:
            assert list(part) == whole[: len(part)]
        assert list(parser(source)) == whole

    @law
    @given(data=st.data())
    def test_of_a_damaged_file_come_valid_events_or_none(
        self, parser: Any, source: Path, data: st.DataObject
    ) -> None:
        """One byte is another; the only errors are nanobook's and those of the system."""
        content = bytearray(source.read_bytes())
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] ^= data.draw(st.integers(1, 255))
        if (events := _parsed(parser, source.name, bytes(content))) is not None:
            _check_events(events)

    @law
    @given(content=st.binary(max_size=400))
    def test_of_any_bytes_come_valid_events_or_none(
        self, parser: Any, source: Path, content: bytes
    ) -> None:
        """The only errors are nanobook's and those of the system."""
        if (events := _parsed(parser, source.name, content)) is not None:
            _check_events(events)


def _parsed(parser: Any, name: str, content: bytes) -> Events | None:
    """Events of a file of that content, or None if it is refused."""
    with TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content)
        try:
            events: Events = parser(path)
        except (NanobookError, OSError):
            return None
        return events


def _check_events(events: Any) -> None:
    assert isinstance(events, list)
    for pair in events:
        assert isinstance(pair, tuple)
        symbol, event = pair
        assert check_symbol(symbol) == symbol
        assert isinstance(event, Event)


def _is_refusal(event: Event, answer: object) -> bool:
    if isinstance(answer, CancelResult | ModifyResult):
        return not answer.success
    # Post-only, and it would have traded: all of it was cancelled.
    return isinstance(answer, SubmitResult) and event.post_only and not answer.resting_quantity
