"""Programs of others, which know nothing of nanobook, each in an environment with its client."""

import subprocess
import tempfile
import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from nanobook_binance.simulator import SimulatedBinance

SCRIPTS = Path(__file__).with_name("scripts")
SAID = Path(__file__).parents[1] / "data" / "binance" / "scripts"
GIVE_UP_SECONDS = 120

#: What is installed, and the scripts that run where it is.
CLIENTS = {
    "ccxt==4.5.90": ["ccxt_orders", "ccxt_async", "ccxt_streams", "ccxt_keys"],
    "python-binance==1.0.37": [
        "python_binance_orders",
        "python_binance_streams",
        "python_binance_keys",
    ],
    "binance-connector==3.13.0": ["connector_orders", "connector_streams", "connector_keys"],
    "binance-sdk-spot==13.2.0": ["sdk_orders", "sdk_streams", "sdk_keys"],
}
PRIVATE = {
    "ed25519": Ed25519PrivateKey.generate,
    "rsa": partial(generate_private_key, 65537, 2048),
}
SELLER, BUYER = "ccxt==4.5.90", "python-binance==1.0.37"


@contextmanager
def market(bid="60000.00", ask="60000.01"):
    """A simulator with these prices of bitcoin, and 0.4 to be had on either side."""
    with SimulatedBinance() as binance:
        binance.set_quote("BTCUSDT", bid, ask, bid_size="0.4", ask_size="0.4")
        binance.set_quote("ETHUSDT", "3000.00", "3000.01", bid_size="5", ask_size="5")
        binance.set_quote("BNBUSDT", "600.00", "600.10", bid_size="50", ask_size="50")
        yield binance


def started(python, name, url, *keys):
    """A script that runs with this Python against this address, with these keys."""
    return subprocess.Popen(
        [python, SCRIPTS / f"{name}.py", url, *keys],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def private_key(binance, kind, folder):
    """The API key that belongs to a new private key, and the file of that."""
    private = PRIVATE[kind]()
    file = folder / f"{kind}.pem"
    form = PrivateFormat.PKCS8, NoEncryption()
    file.write_bytes(private.private_bytes(Encoding.PEM, *form))
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return binance.add_key("default", kind, public)[0], file


def printed_by(python, name):
    """What a script prints in a market of its own, which moves when the script says so."""
    with market() as binance, tempfile.TemporaryDirectory() as folder:
        keys = binance.api_key, binance.secret_key
        if name.endswith("_keys"):
            keys = [text for kind in PRIVATE for text in private_key(binance, kind, Path(folder))]
        process = started(python, name, binance.url, *keys)
        guard = threading.Timer(GIVE_UP_SECONDS, process.kill)
        guard.start()
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line == "move the market\n":
                binance.set_quote("BTCUSDT", "60500.00", "60500.01", bid_size="0.4", ask_size="0.4")
        _, errors = process.communicate()
        guard.cancel()
    assert process.returncode == 0, "".join(lines) + errors
    assert "Traceback" not in errors
    return "".join(lines)


def trade_with_each_other(seller_python, buyer_python):
    """What the seller and the buyer print, each with an account of its own."""
    with market("59999.00", "60001.00") as binance:
        buyers_keys = binance.add_account("buyer")
        seller = started(seller_python, "seller", binance.url, binance.api_key, binance.secret_key)
        offered = seller.stdout.readline()
        buyer = started(buyer_python, "buyer", binance.url, *buyers_keys)
        bought, errors = buyer.communicate(timeout=GIVE_UP_SECONDS)
        sold, _ = seller.communicate(timeout=GIVE_UP_SECONDS)
    assert (buyer.returncode, seller.returncode) == (0, 0), errors
    return offered, bought, sold
