"""What is kept out of everything that is written, and what must stay."""

import base64
import html
import json
import logging
import sys
from urllib.parse import quote, quote_plus, urlencode

import click
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nanobook_core.contracts import Secret
from nanobook_core.errors import ValidationError
from nanobook_rebalancer.redacted_output import redact_output
from nanobook_rebalancer.redaction import Redactor, is_credential, masked_account

CANARY = 'canary-5f2e/+é"\\& x'


@pytest.mark.parametrize(
    "key",
    [
        "secret",
        "api_key",
        "apiKey",
        "apikey",
        "API_KEY",
        "APIKEY",
        "X-MBX-APIKEY",
        "key",
        "Key",
        "access-token",
        "accessToken",
        "token",
        "token_id",
        "password",
        "PASSWORD",
        "SECRET",
        "db_password2",
        "passphrase",
        "signature",
        "clientSecret",
        "secretKey",
        "listenKey",
        "api.key",
        "key_id",
        "private key",
        "BINANCE_SECRET_KEY",
        "SIGNATURE",
    ],
)
def test_the_name_of_a_credential_is_one(key):
    assert is_credential(key)


@pytest.mark.parametrize(
    "key",
    [
        "client_order_id",
        "keys",
        "keyed",
        "keyword",
        "keyring",
        "KEY",
        "KEYS",
        "TOKEN",
        "KEYUSDT",
        "TKN",
        "AAPL",
        "order_id",
        "exec_id",
        "symbol",
        "shares",
        "price",
        "",
        "account",
        "skeys0x",
        "targets",
        "plugins",
        "signal",
        "pass",
        "passed",
        "window",
        "hash",
        "monkeys",
    ],
)
def test_another_name_is_none(key):
    assert not is_credential(key)


def test_what_stands_under_the_name_of_a_credential_is_masked_whatever_it_is():
    data = {
        "api_key": "short",
        "tokens": {"a": ["b"]},
        "password": 12345,
        "signature": ["x", "y"],
        "secret": None,
        "has_token": True,
        "inner": [{"secretKey": ""}, ({"key": "x"},)],
        "targets": {"KEY": "0.25", "TOKEN": "0.5"},
        "keys": ["a", "b"],
    }
    assert Redactor().data(data) == {
        "api_key": "***",
        "tokens": "***",
        "password": "***",
        "signature": "***",
        "secret": None,
        "has_token": True,
        "inner": [{"secretKey": "***"}, [{"key": "***"}]],
        "targets": {"KEY": "0.25", "TOKEN": "0.5"},
        "keys": ["a", "b"],
    }
    assert data["api_key"] == "short"  # what is given stays as it is


@pytest.mark.parametrize(
    "spell",
    [
        str,
        lambda value: json.dumps({"error": value}),
        lambda value: json.dumps({"error": value}, ensure_ascii=False),
        lambda value: repr({"error": value}),
        repr,
        quote,
        quote_plus,
        lambda value: quote(value, safe=""),
        lambda value: urlencode({"q": value}),
        lambda value: value.encode().hex(),
        lambda value: value.encode().hex().upper(),
        lambda value: base64.b64encode(value.encode()).decode(),
        lambda value: base64.b64encode(f"u:{value}".encode()).decode(),
        lambda value: base64.b64encode(f"us:{value}:x".encode()).decode(),
        lambda value: base64.b64encode(f"use:{value}:xy".encode()).decode(),
        lambda value: base64.urlsafe_b64encode(f"use:{value}".encode()).decode().rstrip("="),
        lambda value: quote(base64.b64encode(f"u:{value}".encode()), safe=""),
        lambda value: repr([json.dumps({"error": repr(value)})]),
        lambda value: json.dumps(json.dumps(json.dumps(value))),
        lambda value: quote(quote(value)),
        lambda value: repr(value.encode()),
        lambda value: repr(json.dumps(value).encode()),
        html.escape,
        ascii,
    ],
)
@pytest.mark.parametrize(
    "value",
    [CANARY, "plain-canary-value", "ÿþ>?ÿþ>?ÿþ>?", "\N{GRINNING FACE}lines\n\tof\r\x00it\x7f'<"],
)
def test_a_secret_is_masked_in_every_spelling(spell, value):
    redactor = Redactor([Secret(value), "another-one"])
    text = spell(value)
    found = redactor.text(f"before {text}, after another-one")
    assert "***" in found.split(", after")[0]
    assert found.endswith(", after ***")
    assert text not in found


@given(st.text(min_size=8), st.text(), st.text())
@example("********", "", "")
@example("aaaaaaaa", "a", "a")
def test_a_secret_is_in_no_text_data_or_key(secret, before, after):
    redactor = Redactor([secret])
    text = before + secret + after
    found = redactor.data({"x": text, text: [text]})
    assert secret == "*" * len(secret) or secret not in json.dumps(found, ensure_ascii=False)


def test_a_long_row_of_backslashes_is_gone_through_once():
    text = "\\" * 300_000
    assert Redactor(["'\"\\canary"]).text(text) == text


def test_a_longer_secret_goes_before_one_that_it_starts_with():
    redactor = Redactor(["12345678", "12345678-abcdefgh"])
    assert redactor.text("12345678-abcdefgh 12345678") == "*** ***"


def test_each_long_line_of_a_secret_is_one():
    lines = ["-----BEGIN PRIVATE KEY-----", "MC4CAQAwBQYDK2VwBCIEIJ", "short", "-----END"]
    redactor = Redactor(["\n".join(lines)])
    assert redactor.text("\n".join(lines)) == "***"
    assert redactor.text("'MC4CAQAwBQYDK2VwBCIEIJ' short") == "'***' short"


def test_a_short_secret_cannot_be_kept_out():
    for short in ("", "1234567", Secret("1234567")):
        with pytest.raises(ValidationError, match="at least 8 characters") as caught:
            Redactor([short])
        assert "1234567" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "GET https://api.binance.com/api/v3/account?timestamp=1&signature=abc failed",
            "GET https://api.binance.com/api/v3/account?*** failed",
        ),
        ("wss://x.y/ws?listenKey=abc", "wss://x.y/ws?***"),
        ("'https://x.y/a?b=c'", "'https://x.y/a?***'"),
        ("https://x.y/a", "https://x.y/a"),
        ("what? no", "what? no"),
        ("symbol=A&signature=0a1b&x=1", "symbol=A&signature=***&x=1"),
        ("apiKey=abc, token=def; side=BUY", "apiKey=***, token=***; side=BUY"),
        ("KEY=0.25", "KEY=***"),
        ("no such key: 'abc'", "no such key: 'abc'"),
        ("half \ud800", "half ?"),
        ("", ""),
    ],
)
def test_urls_lose_their_query_and_pairs_their_value(text, found):
    assert Redactor().text(text) == found


@pytest.mark.parametrize(
    ("account", "found"),
    [
        ("DU1234567", "***567"),
        ("U12345", "***345"),
        ("PAPER", "***ER"),
        ("ABCD", "***CD"),
        ("ABC", "***"),
        ("1", "***"),
        ("", "***"),
    ],
)
def test_the_end_of_an_account_id_stays(account, found):
    assert masked_account(account) == found


def test_accounts_are_masked_where_they_stand_alone_and_numbers_stay():
    redactor = Redactor(accounts=["DU1234567", "10000", "DU123", "U12", "PAPER", " "])
    data = {
        "account": "DU1234567",
        "account_id": "10000",
        "accountId": "10000",
        "accounts": ["DU1234567", "DU123"],
        "inner": [{"account": "PAPER"}, {"account": "U12"}],
        "words": "PAPER, U12",
        "quotes": {"PAPER": "1", "U12": "2"},
        "shares": "10000",
        "price": "-10000.00",
        "text": "DU1234567: order 10000 for DU123, not DU12345678 or XDU123",
        "by": {"DU1234567": "1", "DU123": "2"},
        "order_id": "DU123456",
    }
    assert redactor.data(data) == {
        "account": "***567",
        "account_id": "***00",
        "accountId": "***00",
        "accounts": ["***567", "***23"],
        "inner": [{"account": "***ER"}, {"account": "***"}],
        "words": "PAPER, U12",
        "quotes": {"PAPER": "1", "U12": "2"},
        "shares": "10000",
        "price": "-10000.00",
        "text": "***567: order ***00 for ***23, not DU12345678 or XDU123",
        "by": {"***567": "1", "***23": "2"},
        "order_id": "DU123456",
    }


def test_an_account_that_may_be_a_word_is_masked_under_its_name_only():
    redactor = Redactor(accounts=["PAPER"])
    assert redactor.data({"account": "PAPER", "broker": "PAPER"}) == {
        "account": "***ER",
        "broker": "PAPER",
    }


def test_keys_that_are_masked_alike_stay_apart():
    redactor = Redactor(accounts=["U1000567", "U2000567"])
    assert redactor.data({"U1000567": 1, "U2000567": 2}) == {"***567": 1, "***567'": 2}


def test_what_a_run_is_recovered_by_stays():
    redactor = Redactor(["canary-secret"], ["DU1234567"])
    identities = {
        "client_order_id": "nb1-DU1234567",
        "exec_id": "DU1234567",
        "order_id": "key=1",
        "symbol": "DU1234567",
        "window": "https://x.y/a?key=DU1234567",
    }
    assert redactor.data(identities) == identities
    assert redactor.data({"window": "canary-secret 1"}) == {"window": "*** 1"}
    assert redactor.text("nb1-DU1234567") == "nb1-***567"


def test_output_goes_through_a_redactor_and_so_do_logs_and_tracebacks(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    redact_output(Redactor(["canary-secret"], ["DU1234567"]))
    assert sys.stdout.write("canary-secret\n") == 14
    sys.stdout.writelines(["DU1234567\n", "plain\n"])
    sys.stdout.flush()
    assert sys.stdout.isatty() is False
    click.echo("a canary-secret")
    click.echo("an err canary-secret", err=True)
    logging.lastResort.emit(logging.makeLogRecord({"msg": "log canary-secret"}))
    sys.__excepthook__(RuntimeError, RuntimeError("canary-secret"), None)
    out, err = capsys.readouterr()
    assert out == "***\n***567\nplain\na ***\n"
    assert err == "an err ***\nlog ***\nRuntimeError: ***\n"
