"""Keeps credentials and whole account ids out of what is written down."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from nanobook_core.contracts import Secret
from nanobook_core.errors import ValidationError

MASK = "***"
#: One that is shorter would be found in words and numbers that have nothing to do with it.
SHORTEST_SECRET = 8
#: A line of a secret that has at least as many characters is one by itself.
LONG_LINE = 16

#: Keys are split into words: api_key, apiKey, X-MBX-APIKEY.
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_CREDENTIAL = re.compile(r".*(secret|token|password|passphrase|signature).*|.*key", re.IGNORECASE)
#: What may be a symbol, such as KEY and TOKEN, and not the name of a credential.
_SYMBOL = re.compile(r"(?!APIKEY|SECRET|PASSWORD)[A-Z0-9]{1,8}")
_ACCOUNT = re.compile(r"accounts?(_?ids?)?|accountId", re.IGNORECASE)
#: How much of an account id stays, by its length.
_KEPT = ((6, 3), (4, 2))
#: An id in letters alone may be a word or a symbol, and a short one anything.
_UNMISTAKABLE = re.compile(r"(?=.*\d).{5,}")
#: By these a run is recovered, so they stay as they are, whatever an account or a pair looks like.
_IDENTITIES = frozenset({"client_order_id", "exec_id", "order_id", "symbol", "window"})
_SHORT = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_QUERY = re.compile(r"(\b(?:https?|wss?)://[^\s?\"'<>]*\?)[^\s\"'<>]*")
_PAIR = re.compile(
    r"\b([\w-]*(?:secret|token|password|passphrase|signature|key)=)[^\s&\"',;)]+", re.IGNORECASE
)


class Redactor:
    """Masks values by their key, and texts by what is in them.

    * What stands under a key one of whose words has secret, token, password, passphrase or
      signature in it, or ends with key (`apiKey`, `access_token`, not `keys` or `monkeys`), is
      `***`, whatever it is, but for None and bool. A key of at most 8 capitals and digits is a
      symbol (`KEY`, `TOKEN`) and none of these, but `APIKEY`, `SECRET` and `PASSWORD` are.
    * Registered secrets, and each long line of them, are `***` in all texts and keys: as they are,
      as JSON, Python, URLs, HTML, hexadecimal digits and base64 spell them, one in another too.
    * Of registered accounts the last 3 characters stay (2 of fewer than 6, none of fewer than 4):
      under `account` and `account_id`; and in texts and keys where they stand alone, if they have
      at least 5 characters, one of them a digit, and are not in a text that is a number.
    * URLs lose their query, and `key=value` its value where the key is one of the first kind.
    * Of symbols, windows and ids of orders and executions only registered secrets are masked.
    """

    def __init__(self, secrets: Iterable[Secret | str] = (), accounts: Iterable[str] = ()) -> None:
        self._accounts: dict[str, str] = {}
        self._forms: set[str] = set()
        self._secret: re.Pattern[str] | None = None
        self._account: re.Pattern[str] | None = None
        for secret in secrets:
            self.add_secret(secret)
        for account in accounts:
            self.add_account(account)

    def add_secret(self, secret: Secret | str) -> None:
        """Mask a value from now on.

        Raises:
            ValidationError: it has fewer than 8 characters.

        """
        value = secret.reveal() if isinstance(secret, Secret) else secret
        if len(value) < SHORTEST_SECRET:
            raise ValidationError(f"a secret of at least {SHORTEST_SECRET} characters, got fewer")
        # A key of several lines is printed line by line.
        for part in {value, *(line for line in value.splitlines() if len(line) >= LONG_LINE)}:
            self._forms.update(_forms(part))
        # The longest first: a form may be the start of another.
        forms = sorted(self._forms, key=lambda form: (-len(form), form))
        self._secret = re.compile("|".join("".join(map(_spellings, form)) for form in forms))

    def add_account(self, account: str) -> None:
        """Mask all but the end of an account id from now on; blank ones are none."""
        if not account.strip():
            return
        self._accounts[account] = masked_account(account)
        found = filter(_UNMISTAKABLE.fullmatch, self._accounts)
        if alone := "|".join(map(re.escape, sorted(found, key=lambda each: (-len(each), each)))):
            self._account = re.compile(f"(?<![A-Za-z0-9])(?:{alone})(?![A-Za-z0-9])")

    def text(self, text: str) -> str:
        """Return a text without what is secret; half characters in it become question marks."""
        text = self.without_secrets(text)
        text = _QUERY.sub(rf"\1{MASK}", text)
        text = _PAIR.sub(rf"\1{MASK}", text)
        if self._account and not _NUMBER.fullmatch(text):
            text = self._account.sub(lambda found: self._accounts[found[0]], text)
        return text

    def without_secrets(self, text: str) -> str:
        """Return a text as it is, but for registered secrets and half characters."""
        text = text.encode(errors="replace").decode()
        return self._secret.sub(MASK, text) if self._secret else text

    def data(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return a copy of what is written as JSON, lists for tuples, without what is secret.

        Raises:
            TypeError: something that is not dict with str keys, list, tuple, str, int, bool, None.

        """
        if not isinstance(data, dict):
            raise TypeError(f"data: a dict, got {type(data).__name__}")
        return self._mapping(data, "data")

    def _mapping(self, data: dict[str, Any], path: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in data.items():
            if not isinstance(key, str):
                raise TypeError(f"{path}: keys are str, got {type(key).__name__}")
            name = self.text(key)
            while name in found:  # two accounts with the same end
                name += "'"
            found[name] = self._under(key, value, f"{path}.{name}")
        return found

    def _under(self, key: str, value: object, path: str) -> object:
        if is_credential(key) and not (value is None or isinstance(value, bool)):
            return MASK
        if isinstance(value, str):
            if key in _IDENTITIES:
                return self.without_secrets(value)
            if _ACCOUNT.fullmatch(key) and value in self._accounts:
                return self._accounts[value]
        return self._value(value, path)

    def _value(self, value: object, path: str) -> object:
        match value:
            case None | bool():
                return value
            case str():
                return self.text(value)
            case int():
                return int(value)
            case dict():
                return self._mapping(value, path)
            case list() | tuple():
                return [self._value(item, f"{path}[{at}]") for at, item in enumerate(value)]
        raise TypeError(
            f"{path}: dict, list, str, int, bool or None, and decimal strings for numbers that "
            f"are not whole; got {type(value).__name__}"
        )


def is_credential(key: str) -> bool:
    """Whether what stands under a key is masked."""
    if _SYMBOL.fullmatch(key):
        return False
    return any(_CREDENTIAL.fullmatch(word) for word in _WORD.findall(key))


def masked_account(account: str) -> str:
    """Return an account id of which only the end can be read."""
    kept = next((kept for shortest, kept in _KEPT if len(account) >= shortest), 0)
    return MASK + account[len(account) - kept :]


def _forms(value: str) -> Iterator[str]:
    """What a value is turned into, before its characters are spelt."""
    data = value.encode()
    yield value
    yield data.hex()
    yield data.hex().upper()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):  # where it begins within a group of three bytes
            start = -(-before * 8 // 6)
            end = (before + len(data)) * 8 // 6
            yield encode(bytes(before) + data).decode()[start:end]


@cache
def _spellings(character: str) -> str:
    """Return a pattern of all that JSON, Python, URLs and HTML write for a character.

    Also one in another, such as JSON in a list that is shown, which doubles the backslashes; a few
    times at most, as the time that a long row of them takes would have no end.
    """
    if character.isascii() and character.isalnum():
        return character
    units, utf8 = character.encode("utf-16-be"), character.encode()
    ways = [
        rf"\\{{0,8}}{re.escape(character)}",
        "".join(rf"\\{{1,8}}u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)),
        rf"\\{{1,8}}U{ord(character):08x}",
        rf"\\{{1,8}}x{ord(character):02x}",
        "".join(rf"\\{{1,8}}x{byte:02x}" for byte in utf8),
        "".join(rf"%(?:25){{0,4}}{byte:02x}" for byte in utf8),
        re.escape(html.escape(character)),
    ]
    if character in _SHORT:
        ways.append(rf"\\{{1,8}}{_SHORT[character]}")
    if character == " ":
        ways.append(r"\+")
    return f"(?i:{'|'.join(ways)})"
