"""The package arch on the same returns: its results are those of the committed table, and ours.

Write the table anew with: uv run --group peers python tests/plugins/test_garch_arch.py
"""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from nanobook.demo import load_closes
from nanobook_optimizers.garch import garch_fit

TABLE = Path(__file__).parents[1] / "data" / "volatility" / "arch.json"

#: First and last period, and the model of the mean.
WINDOWS = ((0, 5784, "zero"), (0, 5784, "constant"), (1000, 3000, "constant"), (2000, 2250, "zero"))


def percent_returns(symbol, start, stop):
    _, symbols, closes = load_closes()
    closes = closes[:, symbols.index(symbol)]
    return (100.0 * (closes[1:] / closes[:-1] - 1.0))[start:stop]


def fitted(arch_model, returns, mean):
    model = arch_model(returns, mean=mean.capitalize(), vol="GARCH", p=1, q=1, rescale=False)
    with warnings.catch_warnings():  # which it filters for the whole process
        return model.fit(disp="off", tol=1e-12, options={"maxiter": 1000}, show_warning=False)


def row(arch_model, symbol, start, stop, mean):
    fit = fitted(arch_model, percent_returns(symbol, start, stop), mean)
    robust = dict(zip(fit.params.index, fit.std_err, strict=True))
    classic = np.sqrt(np.diag(fit.model.compute_param_cov(fit.params.to_numpy(), robust=False)))
    return {
        "symbol": symbol,
        "start": start,
        "stop": stop,
        "mean": mean,
        "log_likelihood": fit.loglikelihood,
        "parameters": dict(fit.params),
        "standard_errors": dict(zip(fit.params.index, classic.tolist(), strict=True)),
        "robust_standard_errors": robust,
        "last_volatility": float(fit.conditional_volatility[-1]),
        "forecast": fit.forecast(horizon=5, reindex=False).variance.to_numpy()[0].tolist(),
    }


def rows(arch_model):
    return [row(arch_model, symbol, *window) for window in WINDOWS for symbol in load_closes()[1]]


@pytest.fixture(scope="module")
def arch_model():
    arch = pytest.importorskip("arch", reason="arch is not installed")
    return arch.arch_model


def test_the_table_is_what_arch_gives(arch_model):
    for known in json.loads(TABLE.read_text()):
        found = row(arch_model, known["symbol"], known["start"], known["stop"], known["mean"])
        assert found["log_likelihood"] == pytest.approx(known["log_likelihood"], abs=1e-6)
        assert found["forecast"] == pytest.approx(known["forecast"], rel=1e-4)


@pytest.mark.parametrize("start", range(0, 5000, 500))
def test_the_log_likelihood_is_that_of_arch_in_windows_of_three_lengths(arch_model, start):
    within = 0
    for symbol in load_closes()[1]:
        for length, mean in ((100, "constant"), (500, "zero"), (750, "constant")):
            returns = percent_returns(symbol, start, start + length)
            fit = fitted(arch_model, returns, mean)
            theirs = fit.loglikelihood
            ours = garch_fit(returns, mean).log_likelihood
            # arch may stop at a lesser maximum, or short of one, or a little beyond a bound.
            beyond = fit.params["alpha[1]"] + fit.params["beta[1]"] > 1.0
            assert ours > theirs - (1e-4 if beyond else 1e-6), (symbol, length, mean)
            within += abs(ours - theirs) < 1e-6
    assert within > 40  # of 60


if __name__ == "__main__":
    from arch import arch_model as peer

    lines = ",\n".join(json.dumps(line) for line in rows(peer))
    TABLE.write_text(f"[\n{lines}\n]\n")
