"""What is asked of a parser of market data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from os import PathLike

    from nanobook_core.contracts.event import Event


@runtime_checkable
class Parser(Protocol):
    """Turns a file of market data into the requests that make its books.

    Kind `parser`; the target is the function itself.
    """

    def __call__(self, path: str | PathLike[str], /, **options: Any) -> list[tuple[str, Event]]:
        """Symbol and request of everything in the file, in its order; the file is not changed.

        The requests of one symbol, made one after another at an exchange that has seen nothing,
        are all accepted, and leave its book as the file has it; so the ids in them are those that
        the exchange gives. Prices and quantities are whole numbers of units that the parser
        documents; what they do not hold exactly is refused, never rounded. A symbol has at most 8
        ASCII bytes. The same file always gives the same. Every option has a default.

        Raises:
            TypeError: the path is neither a string nor a `PathLike`, or there is no such option.
            OSError: the file cannot be read; `FileNotFoundError` where there is none.
            NanobookError: it is empty, damaged or no such file; nothing of it is handed out. A
                file that was cut where a record ends may be taken for a shorter one.

        """
        ...
