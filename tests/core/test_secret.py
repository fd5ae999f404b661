"""Credentials: nothing prints one, and they come only from where others cannot read them."""

import copy
import json
import logging
import os
import pickle
import pprint
import sys
import traceback
from types import ModuleType

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nanobook
from nanobook_core.broker.secret import resolve_secret
from nanobook_core.contracts import Secret
from nanobook_core.errors import NanobookError, SecretError, ValidationError

CANARY = "canary-5f2e\"'\\ü"


@pytest.fixture
def secret():
    return Secret(CANARY)


# What shows it.


@attrs.frozen
class Settings:
    host: str
    key: Secret


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        format,
        ascii,
        "{}".format,
        "{!r:>3}".format,
        lambda secret: f"{secret}{secret!s}{secret!a}",
        lambda secret: "%s %r" % (secret, secret),  # noqa: UP031 - as logging does
        lambda secret: json.dumps({"key": secret}, default=str),
        lambda secret: json.dumps({"key": secret}, default=repr),
        lambda secret: pprint.pformat({"key": [secret]}),
        lambda secret: repr(Settings("h", secret)),
        lambda secret: repr(attrs.asdict(Settings("h", secret))),
        lambda secret: repr(copy.copy(secret)),
        lambda secret: repr(copy.deepcopy({"key": secret})),
        lambda secret: repr(pickle.loads(pickle.dumps(secret))),  # noqa: S301 - our own
        lambda secret: repr(ValueError(secret)) + str(ValueError("x", secret)),
        lambda secret: repr(dir(secret)),
        lambda secret: repr(secret.__getstate__()),
        lambda secret: repr(secret.__reduce__()) + repr(secret.__reduce_ex__(4)),
    ],
)
def test_it_is_shown_as_three_asterisks(show, secret):
    shown = show(secret)
    assert "canary" not in shown
    assert "5f2e" not in shown


def test_all_protocols_of_pickle_leave_it_out(secret):
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        data = pickle.dumps({"key": secret}, protocol)
        assert b"canary" not in data
        found = pickle.loads(data)["key"]  # noqa: S301 - our own
        assert str(found) == "***"
        with pytest.raises(SecretError, match="was closed or pickled"):
            found.reveal()


def test_tracebacks_with_local_variables_and_logs_leave_it_out(secret, caplog):
    def submit(key):
        raise RuntimeError(f"refused {key}", key)

    try:
        submit(secret)
    except RuntimeError as error:
        shown = "".join(
            traceback.TracebackException.from_exception(error, capture_locals=True).format()
        )
        logging.getLogger("x").exception("failed with %s %r", secret, secret)
    assert "key = ***" in shown
    assert "canary" not in shown + caplog.text
    assert "failed with *** ***" in caplog.text


@pytest.mark.parametrize(
    "look",
    [json.dumps, vars, len, iter, hash, lambda s: s + "x", lambda s: s[0], lambda s: s.__dict__],
)
def test_there_is_no_way_around(look, secret):
    with pytest.raises((TypeError, AttributeError)) as caught:
        look(secret)
    assert "canary" not in str(caught.value)


def test_only_reveal_gives_it_and_nothing_after_close(secret):
    assert secret.reveal() == CANARY
    assert copy.deepcopy(secret).reveal() == CANARY
    held = secret._held
    secret.close()
    secret.close()
    assert bytes(held) == bytes(len(CANARY.encode()))
    with pytest.raises(SecretError, match="was closed or pickled; read it anew"):
        secret.reveal()
    assert repr(secret) == "***"


@given(st.text(min_size=1), st.text(min_size=1))
def test_two_are_equal_where_their_values_are(one, other):
    assert (Secret(one) == Secret(other)) is (one == other)
    assert Secret(one) == Secret(one)
    assert Secret(one) != one
    assert Secret(one).reveal() == one


def test_a_closed_one_equals_only_itself(secret):
    secret.close()
    assert secret == secret  # noqa: PLR0124 - that is the question
    assert secret != Secret(CANARY)
    other = Secret(CANARY)
    other.close()
    assert secret != other


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("", ValidationError),
        ("canary\ud800", ValidationError),
        (None, TypeError),
        (b"canary", TypeError),
        (12345678, TypeError),
        (Secret("canary"), TypeError),
    ],
)
def test_what_is_no_text_is_refused_without_showing_it(value, error):
    with pytest.raises(error) as caught:
        Secret(value)
    assert "canary" not in str(caught.value)
    assert "12345678" not in str(caught.value)


def test_it_is_in_the_facade():
    assert nanobook.Secret is Secret
    assert nanobook.resolve_secret is resolve_secret


# Where it comes from.


@pytest.fixture
def secret_file(tmp_path):
    path = tmp_path / "key"
    path.write_bytes(b"canary-file-1\n")
    path.chmod(0o600)
    return path


def test_from_the_environment(monkeypatch):
    monkeypatch.setenv("MY_KEY", "canary-env-1")
    assert resolve_secret("env:MY_KEY").reveal() == "canary-env-1"
    assert resolve_secret("env:K", environment={"K": " with blanks "}).reveal() == " with blanks "


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_from_a_file_of_this_user_alone(secret_file, mode, end):
    secret_file.write_bytes(b"canary-file-1" + end)
    secret_file.chmod(mode)
    assert resolve_secret(f"file:{secret_file}").reveal() == "canary-file-1"


def test_from_a_file_in_the_home_directory(secret_file, monkeypatch):
    monkeypatch.setenv("HOME", str(secret_file.parent))
    assert resolve_secret("file:~/key").reveal() == "canary-file-1"


def test_a_file_may_have_lines(secret_file):
    secret_file.write_bytes(b"-----BEGIN-----\nx\n-----END-----\n\n")
    assert resolve_secret(f"file:{secret_file}").reveal() == "-----BEGIN-----\nx\n-----END-----\n"


def test_a_secret_comes_back_as_it_is(secret):
    assert resolve_secret(secret) is secret


class Keyring(ModuleType):
    """Has what one backend has; an exception is raised."""

    def __init__(self, found):
        super().__init__("keyring")
        self.found = found

    def get_password(self, service, name):
        found = self.found.get((service, name))
        if isinstance(found, Exception):
            raise found
        return found


@pytest.fixture
def keyring(monkeypatch):
    found = {}
    monkeypatch.setitem(sys.modules, "keyring", Keyring(found))
    return found


def test_from_a_keyring(keyring):
    keyring["nanobook", "binance"] = "canary-keyring"
    keyring["a/b", "c"] = "canary-keyring-2"
    assert resolve_secret("keyring:nanobook/binance").reveal() == "canary-keyring"
    assert resolve_secret("keyring:a/b/c").reveal() == "canary-keyring-2"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("keyring:nanobook/other", "the keyring has no other of nanobook"),
        ("keyring:nanobook/broken", "the keyring raised RuntimeError"),
        ("keyring:nanobook", "keyring:service/name is expected"),
        ("keyring:/x", "keyring:service/name is expected"),
        ("keyring:x/", "keyring:service/name is expected"),
    ],
)
def test_what_is_not_in_a_keyring(keyring, source, message):
    keyring["nanobook", "broken"] = RuntimeError("canary in a backend's text")
    with pytest.raises(SecretError) as caught:
        resolve_secret(source, name="api_key")
    assert str(caught.value) == f"api_key: {message}"


def test_without_the_package_keyring(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(SecretError, match="the package keyring is not installed"):
        resolve_secret("keyring:nanobook/x")


@pytest.mark.parametrize(
    "source",
    [
        "canary",
        "canary:x",
        "ENV:canary",
        "env:",
        "file:",
        "keyring:",
        ":canary",
        "",
        " env:canary",
        None,
        5,
        b"env:canary",
        ["canary"],
    ],
)
def test_a_value_in_place_of_a_source_is_refused_and_not_repeated(source):
    with pytest.raises(SecretError) as caught:
        resolve_secret(source, name="broker.api_key")
    assert str(caught.value) == (
        "broker.api_key: say where it is, as env:NAME, keyring:service/name or file:PATH; a value "
        "itself is refused, as settings and arguments are read by others"
    )
    assert isinstance(caught.value, NanobookError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "from 8 to 65,536 characters, got 0 from env:"),
        ("canary7", "from 8 to 65,536 characters, got 7 from env:"),
        ("c" * 65_537, "from 8 to 65,536 characters, got 65537 from env:"),
    ],
)
def test_a_value_of_odd_length_is_refused(value, message):
    with pytest.raises(SecretError, match=message) as caught:
        resolve_secret("env:K", environment={"K": value})
    assert "canary" not in str(caught.value)


def test_a_variable_that_is_not_there():
    with pytest.raises(SecretError, match="a secret: the variable K is not in the environment"):
        resolve_secret("env:K", environment={})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o777])
def test_a_file_that_others_can_read_is_refused(secret_file, mode):
    secret_file.chmod(mode)
    with pytest.raises(SecretError, match=r"can be read or written by others \(mode has 0\d\d\)"):
        resolve_secret(f"file:{secret_file}")


def test_a_file_of_another_user_is_refused(secret_file, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: secret_file.stat().st_uid + 1)
    with pytest.raises(SecretError, match="belongs to another user"):
        resolve_secret(f"file:{secret_file}")


def test_what_is_no_readable_file_is_refused(tmp_path, secret_file):
    os.mkfifo(tmp_path / "pipe")
    secret_file.write_bytes(b"canary\xff\xff\xff")
    for place, message in {
        tmp_path / "missing": "cannot be read: .*No such file",
        tmp_path: "cannot be read: .*Is a directory|is not a regular file",
        tmp_path / "pipe": "is not a regular file",
        "/dev/zero": "is not a regular file|belongs|can be read",
        secret_file: "is not UTF-8",
        "a\0b": "cannot be read: embedded null byte",
        "~nobody-of-that-name/key": "cannot be read: Could not determine home directory",
    }.items():
        with pytest.raises(SecretError, match=message) as caught:
            resolve_secret(f"file:{place}")
        assert "canary" not in str(caught.value)


def test_no_more_of_a_file_is_read_than_a_secret_may_have(secret_file):
    with secret_file.open("r+b") as file:
        file.truncate(1 << 33)  # takes no room on the disk
    with pytest.raises(SecretError, match="from 8 to 65,536 characters, got 65539"):
        resolve_secret(f"file:{secret_file}")


def test_the_link_that_a_container_makes_of_a_secret_is_followed(secret_file, tmp_path):
    (tmp_path / "link").symlink_to(secret_file)
    assert resolve_secret(f"file:{tmp_path / 'link'}").reveal() == "canary-file-1"


@pytest.mark.parametrize("source", ["env:OTHER", "file:/nowhere", "keyring:nothing"])
def test_an_error_brings_no_other_with_it_whose_frames_hold_values(source):
    with pytest.raises(SecretError) as caught:
        resolve_secret(source, environment={"ONE": "canary-of-one"})
    assert caught.value.__context__ is None
