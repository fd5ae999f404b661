"""A request on its way to the engine, and the answer to it; HTTP is not known here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from attrs import Factory, define, evolve, frozen

from nanobook_binance.simulator.server.api_key import ApiKey
from nanobook_binance.simulator.server.endpoint import Endpoint, refusal_body
from nanobook_binance.simulator.venue import Refusal

JSON = "application/json;charset=UTF-8"
HTML = "text/html"

Sent: TypeAlias = Mapping[str, str]


@frozen(kw_only=True)
class Answer:
    """What is answered."""

    status: int
    body: bytes
    said: Any
    """What the JSON says, or the text where it is none."""
    content_type: str = JSON
    headers: Mapping[str, str] = Factory(dict)

    @property
    def is_success(self) -> bool:
        """Whether what was asked for has been done."""
        return self.status == HTTPStatus.OK

    def as_type(self, content_type: str) -> Answer:
        """The same, said to be of another type."""
        return evolve(self, content_type=content_type)

    def with_headers(self, headers: Mapping[str, str]) -> Answer:
        """The same with these headers besides."""
        return evolve(self, headers={**self.headers, **headers})


def json_answer(said: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer in JSON."""
    body = json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()
    return Answer(status=status, body=body, said=said, headers=headers or {})


def page(status: int, title: str) -> Answer:
    """A page of a server that stands before the venue."""
    text = (
        f"<html>\r\n<head><title>{status} {title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{status} {title}</h1></center>\r\n<hr><center>nginx</center>\r\n"
        "</body>\r\n</html>\r\n"
    )
    return Answer(status=status, body=text.encode(), said=text, content_type=HTML)


def refused(refusal: Refusal) -> Answer:
    """The answer that a refusal is."""
    headers = {}
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    return json_answer(refusal_body(refusal), refusal.http_status, headers)


@define(kw_only=True)
class Call:
    """A request on its way."""

    endpoint: Endpoint
    sent: Sent
    """Parameters as they were sent, unread."""
    has_duplicates: bool = False
    payload: bytes = b""
    """What must have been signed."""
    key_name: str | None = None
    address: str
    """Where it comes from."""
    is_reused: bool = False
    """Whether its connection has served another request before."""
    key: ApiKey | None = None
    """Known once it has been let in."""
    fault: str | None = None
    """The fault that it has met."""

    @property
    def asking_key(self) -> str:
        """Name of the key that it bears, or of the one that its session is logged on with."""
        return self.key_name or "" if self.key is None else self.key.name

    @property
    def symbol(self) -> str | None:
        """The symbol that it is about, by its parameter."""
        return self.sent.get("symbol")

    @property
    def account(self) -> str | None:
        """Name of the account that asks; None of one that has not been let in."""
        return None if self.key is None else self.key.account


def parsed(query: str, body: str) -> tuple[dict[str, str], bool]:
    """Parameters of both, of which the query's win, and whether one of them has a name twice."""
    found: dict[str, str] = {}
    has_duplicates = False
    for part in (body, query):
        pairs = parse_qsl(part, keep_blank_values=True)
        has_duplicates |= len({name for name, _ in pairs}) < len(pairs)
        found.update(pairs)
    return found, has_duplicates


def signed_payload(query: bytes, body: bytes) -> bytes:
    """What must have been signed: both as they were sent, without the signature."""
    return _unsigned(query) + _unsigned(body)


def _unsigned(part: bytes) -> bytes:
    return b"&".join(pair for pair in part.split(b"&") if not pair.startswith(b"signature="))
