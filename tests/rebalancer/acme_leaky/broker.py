"""As real ones do: an error of a venue repeats the key, a URL has the signature in it."""

import base64
import json
import logging
import sys
import warnings
from urllib.parse import quote

from nanobook_core.broker import PaperBroker
from nanobook_core.contracts import BrokerError, OrderRejectedError, OutcomeUnknownError

log = logging.getLogger("nanobook.broker")

SPELLINGS = (
    str,
    repr,
    quote,
    json.dumps,
    lambda value: base64.b64encode(value.encode()).decode(),
    lambda value: base64.b64encode(f"user:{value}".encode()).decode(),
    lambda value: value.encode().hex(),
)


class Leaky(PaperBroker):
    name = "leaky"

    def __init__(self, *, fails, api_key, secret_key, passphrase, options, **settings):
        super().__init__(**settings)
        self._fails = fails
        self._all = [api_key, secret_key, passphrase, options["password"]]
        self._leak("factory", ValueError)

    def text(self):
        values = [secret.reveal() for secret in self._all]
        spelt = [spell(value) for value in values for spell in SPELLINGS]
        url = "https://api.example/order?symbol=A&signature=0a1b2c3d4e5f6071"
        return f"refused {url} for account {self._account_id}: {spelt} {self._all}"

    def _leak(self, call, error):
        log.warning("at %s: %s", call, self.text())
        sys.stdout.write(f"{self.text()}\n")
        if call == self._fails:
            raise error(self.text())

    def connect(self, timeout=None):
        warnings.warn(self.text(), stacklevel=2)
        self._leak("connect", BrokerError)
        super().connect(timeout)

    def account(self):
        self._leak("account", RuntimeError)
        return super().account()

    def positions(self):
        self._leak("positions", KeyError)
        return super().positions()

    def quote(self, symbol):
        self._leak("quote", BrokerError)
        return super().quote(symbol)

    def _send(self, order):
        self._leak("rejected", OrderRejectedError)
        self._leak("unknown", OutcomeUnknownError)
        self._leak("bug", ZeroDivisionError)
        return super()._send(order)
