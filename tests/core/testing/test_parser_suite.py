"""The suite accepts a sound parser and catches what each unsound one does wrong."""

import itertools
from pathlib import Path

import pytest

from nanobook_core.contracts import Event, EventKind
from nanobook_core.errors import NanobookError, ValidationError
from nanobook_core.testing import ParserSuite
from nanobook_core.types import TimeInForce, check_symbol

SOURCE = b"AAPL,buy,17480,100\nMSFT,sell,41000,50\nAAPL,sell,17500,70\n"


def event(line):
    symbol, side, price, quantity = line.split(",")
    return symbol, Event(
        EventKind.SUBMIT_LIMIT,
        side=side,
        price=int(price),
        quantity=int(quantity),
        time_in_force=TimeInForce.GTC,
        post_only=True,
    )


def sound(path, *, limit=None):
    del limit
    content = Path(path).read_bytes()
    if not content.endswith(b"\n"):
        raise ValidationError("cut, or empty")
    try:
        events = [event(line) for line in content.decode("ascii").splitlines()]
        for symbol, _ in events:
            check_symbol(symbol)
    except (ValueError, OverflowError, NanobookError) as error:
        raise ValidationError(str(error)) from None
    return events


def gives_a_tuple(path):
    return tuple(sound(path))


def gives_words(path):
    return [(symbol, event.to_json()) for symbol, event in sound(path)]


def gives_no_symbol(path):
    return [(None, event) for _, event in sound(path)]


def gives_nothing(path):
    return sound(path)[:0]


def takes_paths_alone(path):
    return sound(path.absolute())


def writes_beside(path):
    Path(f"{path}.index").touch()
    return sound(path)


def rewrites_it(path):
    events = sound(path)
    Path(path).write_bytes(Path(path).read_bytes() + b"\n")
    return events


def cancels_what_is_not_there(path):
    return [*sound(path), ("AAPL", Event(EventKind.CANCEL, order_id=7))]


def changes_what_is_not_there(path):
    return [*sound(path), ("MSFT", Event(EventKind.MODIFY, order_id=7, price=1, quantity=1))]


def crosses(path):
    return [*sound(path), event("AAPL,buy,17600,100")]


def needs_no_file(path):
    return sound(path) if Path(path).exists() else []


def takes_a_folder_for_a_file(path):
    path = Path(path)
    return [] if path.is_dir() else sound(path)


def takes_nothing_for_a_day(path):
    return sound(path) if Path(path).read_bytes() else []


def takes_any_path(path):
    return sound(path if isinstance(path, str | Path) else "no file")


def takes_any_option(path, **options):
    del options
    return sound(path)


def guesses_the_end(path):
    content = Path(path).read_bytes().decode("ascii", "ignore")
    lines = [line for line in content.splitlines() if line.count(",") == 3]
    return [event(line.rstrip(",") if line[-1] != "," else line + "1") for line in lines]


def hands_out_what_it_has(path):
    try:
        return sound(path)
    except ValidationError:
        return [event("AAPL,buy,1,1")]


def is_undone_by_text(path):
    Path(path).read_text("ascii")
    return sound(path)


def passes_on_what_python_says(path):
    return [event(line) for line in Path(path).read_text("ascii", "replace").splitlines()]


def gives_long_symbols(path):
    is_whole = Path(path).read_bytes() == SOURCE
    return sound(path) if is_whole else [("LONGERTHAN8", event("AAPL,buy,1,1")[1])]


def remembers(path, _calls=itertools.count()):  # noqa: B008 - the defect is that it is shared
    return sound(path)[: 2 + next(_calls) % 2]


LAWS = [name for name in vars(ParserSuite) if name.startswith("test_")]
NO_PATH = [None, 1.5, 2**31, ["file"]]


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_bytes(SOURCE)
    return path


def breaks(parser, law, source):
    test = getattr(ParserSuite(), law)
    arguments = [(source,)]
    if law == "test_it_fulfils_the_contract":
        arguments = [()]
    elif law == "test_what_is_no_path_is_a_type_error":
        arguments = [(path,) for path in NO_PATH]
    try:
        for more in arguments:
            test(parser, *more)
    except BaseException:  # noqa: BLE001 - a parser that raises breaks the law as well
        return True
    return False


def test_a_sound_parser_breaks_no_law(source):
    assert [law for law in LAWS if breaks(sound, law, source)] == []


@pytest.mark.parametrize(
    ("parser", "law"),
    [
        (object(), "test_it_fulfils_the_contract"),
        (gives_a_tuple, "test_it_gives_symbols_and_events"),
        (gives_words, "test_it_gives_symbols_and_events"),
        (gives_no_symbol, "test_it_gives_symbols_and_events"),
        (gives_nothing, "test_it_gives_symbols_and_events"),
        (takes_paths_alone, "test_a_path_may_be_a_string"),
        (remembers, "test_a_path_may_be_a_string"),
        (writes_beside, "test_the_file_is_not_changed"),
        (rewrites_it, "test_the_file_is_not_changed"),
        (cancels_what_is_not_there, "test_an_exchange_accepts_every_event"),
        (changes_what_is_not_there, "test_an_exchange_accepts_every_event"),
        (crosses, "test_an_exchange_accepts_every_event"),
        (needs_no_file, "test_a_file_that_is_not_there_is_not_found"),
        (takes_a_folder_for_a_file, "test_a_folder_is_refused"),
        (takes_nothing_for_a_day, "test_an_empty_file_is_refused"),
        (takes_any_path, "test_what_is_no_path_is_a_type_error"),
        (takes_any_option, "test_an_unknown_option_is_a_type_error"),
        (guesses_the_end, "test_of_a_file_that_was_cut_nothing_is_made_up"),
        (hands_out_what_it_has, "test_of_a_file_that_was_cut_nothing_is_made_up"),
        (remembers, "test_of_a_file_that_was_cut_nothing_is_made_up"),
        (is_undone_by_text, "test_of_a_damaged_file_come_valid_events_or_none"),
        (gives_long_symbols, "test_of_a_damaged_file_come_valid_events_or_none"),
        (passes_on_what_python_says, "test_of_any_bytes_come_valid_events_or_none"),
    ],
    ids=lambda value: value if isinstance(value, str) else getattr(value, "__name__", "object"),
)
def test_an_unsound_parser_is_caught_by_the_law_it_breaks(parser, law, source):
    assert breaks(parser, law, source)
