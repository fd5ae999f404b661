"""What is signed, by each kind of key, and how parameters are written."""

import base64
import pickle
from decimal import Decimal

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nanobook_binance.signature import Keys, payload, read_keys, to_text
from nanobook_core.contracts.secret import Secret
from nanobook_core.errors import SecretError

API_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"  # noqa: S105 - published
#: The vendor's published example.
ORDER = {
    "symbol": "LTCBTC",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": 1,
    "price": Decimal("0.1"),
    "recvWindow": 5000,
    "timestamp": 1499827319559,
}
TEXT = (
    "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000"
    "&timestamp=1499827319559"
)
SIGNED = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"


def pem(key, password=None):
    encryption = (
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption()
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    ).decode()


def keys(secret, api_key=API_KEY):
    return Keys(Secret(api_key), Secret(secret))


def test_hmac_signs_the_vendors_example():
    assert payload(ORDER) == TEXT
    assert keys(SECRET).kind == "hmac"
    assert keys(SECRET).sign(TEXT) == SIGNED
    assert keys(SECRET).signed(TEXT) == f"{TEXT}&signature={SIGNED}"


def test_an_ed25519_key_signs_what_its_public_key_verifies():
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    signer = keys(pem(private))
    assert signer.kind == "ed25519"
    signature = signer.sign(TEXT)
    private.public_key().verify(base64.b64decode(signature, validate=True), TEXT.encode())


def test_an_rsa_key_signs_what_its_public_key_verifies():
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signer = keys(pem(private))
    assert signer.kind == "rsa"
    signature = base64.b64decode(signer.sign(TEXT), validate=True)
    private.public_key().verify(signature, TEXT.encode(), padding.PKCS1v15(), hashes.SHA256())


def test_a_signature_in_base64_is_percent_encoded_and_last():
    private = Ed25519PrivateKey.from_private_bytes(bytes(32))
    text = keys(pem(private)).signed("symbol=BTCUSDT")
    head, _, signature = text.rpartition("&signature=")
    assert head == "symbol=BTCUSDT"
    assert signature.endswith("%3D%3D")
    assert not set(signature) & set("+/=")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("LTCBTC", "LTCBTC"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (Decimal("0.00001234"), "0.00001234"),
        (Decimal("1E-8"), "0.00000001"),
        (Decimal("1E+3"), "1000"),
        (Decimal(100), "100"),
        (Decimal("1.50000000000000000000"), "1.5"),
        (Decimal("1.000"), "1"),
        (Decimal("123456789012345678901234567890.5"), "123456789012345678901234567890.5"),
        (["BTCUSDT", "ETHUSDT"], '["BTCUSDT","ETHUSDT"]'),
    ],
)
def test_a_parameter_is_written_exactly(value, written):
    assert to_text("x", value) == written


@pytest.mark.parametrize("value", [0.1, Decimal("NaN"), Decimal("Infinity"), object(), b"x"])
def test_what_has_no_exact_form_is_refused(value):
    with pytest.raises(TypeError, match=r"^price is a str, int"):
        payload({"price": value})


def test_what_is_sent_is_percent_encoded_before_it_is_signed():
    text = payload({"symbols": ["BTCUSDT"], "note": "a b&c=d/é+", "left": None, "id": "a-b_c.d~e"})
    assert text == "symbols=%5B%22BTCUSDT%22%5D&note=a%20b%26c%3Dd%2F%C3%A9%2B&id=a-b_c.d~e"


def test_keys_are_found_as_given_or_by_their_source(monkeypatch, tmp_path):
    file = tmp_path / "secret"
    file.write_text(SECRET + "\n")
    file.chmod(0o600)
    monkeypatch.setenv("BINANCE_API_KEY", API_KEY)
    monkeypatch.setenv("BINANCE_SECRET_KEY", SECRET)
    monkeypatch.setenv("ELSEWHERE", SECRET)
    for given in (None, SECRET, Secret(SECRET), "env:ELSEWHERE", f"file:{file}"):
        found = read_keys(None, given)
        assert found.sign(TEXT) == SIGNED
        assert found.api_key == Secret(API_KEY)


def test_a_missing_key_is_said_with_what_to_set(monkeypatch):
    monkeypatch.delenv("BINANCE_API_KEY", raising=False)
    monkeypatch.setenv("BINANCE_SECRET_KEY", "")
    with pytest.raises(SecretError, match=r"^api_key: there is none; set .* BINANCE_API_KEY"):
        read_keys(None, SECRET)
    with pytest.raises(SecretError, match="BINANCE_SECRET_KEY"):
        read_keys(API_KEY, None)
    with pytest.raises(SecretError, match=r"^secret_key is empty"):
        read_keys(API_KEY, "")
    with pytest.raises(TypeError, match=r"^api_key is a str or a Secret, got int"):
        read_keys(1, SECRET)


@pytest.mark.parametrize("odd", ["with space", "line-end\n", "\ttab", "ünïcode", "nul\0"])
def test_a_key_that_no_header_can_carry_is_refused_without_being_repeated(odd):
    for make in (lambda: keys(SECRET, odd), lambda: keys(odd)):
        with pytest.raises(SecretError, match="copy it again") as caught:
            make()
        assert odd.strip() not in str(caught.value)


def test_pem_text_that_is_no_usable_private_key_is_refused():
    private = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public = (
        private.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
    whole = pem(private)
    for text in (public, pem(private, b"password"), whole[:40]):
        with pytest.raises(SecretError, match="no Ed25519 or RSA private key") as caught:
            keys(text)
        assert caught.value.__context__ is None
    with pytest.raises(SecretError, match="goes into secret_key"):
        keys(SECRET, whole)


def test_keys_are_neither_shown_nor_pickled():
    held = keys(SECRET)
    assert repr(held) == "<Keys hmac, ***>"
    with pytest.raises(SecretError):
        pickle.dumps(held)
    assert held.hide(f"key {API_KEY} and {SECRET}!") == "key *** and ***!"
