"""A folder from which the rebalancer trades on a simulated Binance."""

from tests.rebalancer.terminal_here import Terminal

WEIGHTS = {"BTC": 0.2, "BNB": 0.1, "PEPE": 0.05}

CONFIG = """
[broker]
name = "binance"
base_url = "{url}"
api_key = "env:BINANCE_API_KEY"
secret_key = "env:BINANCE_SECRET_KEY"

[execution]
order_interval_ms = 0
order_timeout_secs = {timeout}

[risk]
max_trade_usd = 1000000.0

[logging]
dir = "{logs}"
"""


def keys_of(binance):
    """The variables of the environment that the config names."""
    return {"BINANCE_API_KEY": binance.api_key, "BINANCE_SECRET_KEY": binance.secret_key}


def config_at(url, *, timeout=30, logs="./logs"):
    """A config.toml for that address."""
    return CONFIG.format(url=url, timeout=timeout, logs=logs)


def folder_at(path, binance, weights=None, **settings):
    """A folder with config and target; its processes have the keys in their environment."""
    folder = Terminal(path)
    folder.environment |= keys_of(binance) | {"COLUMNS": "140"}
    folder.config(config_at(binance.url, **settings))
    (path / "config.toml").chmod(0o600)
    folder.target(WEIGHTS if weights is None else weights)
    return folder
