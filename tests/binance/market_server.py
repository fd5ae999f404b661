"""A venue that knows only what everybody may ask: rules and prices from tables."""

import copy
import json
from pathlib import Path
from urllib.parse import parse_qsl

from tests.binance.scripted_http import ScriptedServer, answer, refusal

from nanobook_binance.environment import choose_environment
from nanobook_binance.rest import Rest
from nanobook_binance.signature import Keys
from nanobook_core.contracts.secret import Secret

INFO = Path(__file__).parents[1] / "data" / "binance" / "exchange_info.json"


class MarketServer(ScriptedServer):
    """Answers by `answers`: what a path tells, or a function of the parameters that does.

    Steps of a script come before it. `symbols` are the rows of exchangeInfo by pair.
    """

    def __init__(self, *steps, **answers):
        super().__init__(*steps)
        self.info = json.loads(INFO.read_text())
        self.symbols = {row["symbol"]: row for row in self.info["symbols"]}
        self.answers = {
            "/api/v3/exchangeInfo": self._exchange_info,
            "/api/v3/referencePrice": refusal(-2043, "This symbol doesn't have a reference price."),
            **{f"/api/v3/{path}": told for path, told in answers.items()},
        }

    def rest(self, clock, **settings):
        """Requests to it, with keys."""
        return Rest(
            choose_environment(testnet=True, demo=False, base_url=self.url),
            Keys(Secret("ApiKeyOfTheTests"), Secret("SecretKeyOfTheTests")),
            clock,
            **settings,
        )

    def filter(self, pair, kind):
        """A filter of a pair, to be changed."""
        return next(rule for rule in self.symbols[pair]["filters"] if rule["filterType"] == kind)

    def _exchange_info(self, parameters):
        pair = parameters.get("symbol")
        rows = list(self.symbols.values()) if pair is None else [self.symbols[pair]]
        return {**self.info, "symbols": copy.deepcopy(rows)}

    def _next(self, request):
        if self.steps or request.path not in self.answers:
            return super()._next(request)
        super()._next(request)
        told = self.answers[request.path]
        parameters = dict(parse_qsl(request.payload))
        told = told(parameters) if callable(told) and not hasattr(told, "act") else told
        return told if hasattr(told, "act") else answer(told)
