"""The two libraries: which is used, and what is written and read through either."""

import subprocess
import sys
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobook_core.contracts.broker_error import BackendMissingError, ConnectError
from nanobook_core.errors import ValidationError
from nanobook_ibkr.account import choose_account, is_paper
from nanobook_ibkr.library import BACKENDS, Library, WireDecimal, choose
from nanobook_ibkr.loop_thread import LoopThread
from nanobook_ibkr.message import VenueContract
from nanobook_ibkr.reader import number


@pytest.fixture(scope="module")
def library():
    """Whichever is installed, loaded where it is always loaded."""
    thread = LoopThread("nanobook-ibkr-test")
    thread.start()

    async def load():
        return Library("auto")

    try:
        yield thread.call(load)
    finally:
        thread.stop()


def test_the_one_that_is_installed_is_used(library):
    (other,) = set(BACKENDS) - {library.name}
    assert choose("auto") == choose(library.name) == library.name
    with pytest.raises(BackendMissingError, match=rf"{other} is not installed.*'ib_insync'") as no:
        choose(other)
    assert "'ib_async'" in str(no.value)


@pytest.mark.parametrize("backend", ["", "ibapi", "IB_INSYNC", None])
def test_there_are_two_libraries(backend):
    with pytest.raises(ValidationError, match="backend is 'auto', 'ib_insync' or 'ib_async'"):
        choose(backend)


def package(folder, name):
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text("")


@pytest.mark.parametrize(
    ("installed", "said"),
    [
        ([], "BackendMissingError: ib_insync or ib_async is not installed"),
        (["ib_async"], "ib_async"),
        (["ib_insync"], "ib_insync"),
        (["ib_insync", "ib_async"], "are both installed, and share a package"),
    ],
)
def test_what_is_installed_decides(tmp_path, installed, said):
    for name in installed:
        package(tmp_path, name)
    program = (
        "import sys\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "import importlib.util as util\n"
        "find = util.find_spec\n"
        "def here(name):\n"
        "    found = find(name)\n"
        f"    return found if found and found.origin.startswith({str(tmp_path)!r}) else None\n"
        "util.find_spec = here\n"
        "from nanobook_ibkr.library import choose\n"
        "print(choose('auto'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert said in done.stdout + done.stderr


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_number_is_written_in_plain_notation_and_stays_what_it_is(value):
    text = str(WireDecimal(value))
    assert "E" not in text.upper()
    assert Decimal(text) == value


@given(st.decimals(-(10**12), 10**12, places=6))
def test_a_number_that_was_read_is_the_one_that_was_written(value):
    read = number(float(str(WireDecimal(value))))
    assert read == value or abs(value) >= 10**9  # a double has fifteen digits


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        (0.1, "0.1"),
        (99.99, "99.99"),
        (1e-08, "0.00000001"),
        (10.0, "10"),
        (1e15, "1000000000000000"),
        (-1.0, "-1"),
        ("1000000.00", "1000000"),
        ("12.34", "12.34"),
    ],
)
def test_a_number_is_told_as_it_stood_on_the_wire(told, meant):
    assert format(number(told), "f") == meant


@pytest.mark.parametrize(
    "told",
    [
        None,
        sys.float_info.max,
        float("nan"),
        float("inf"),
        "",
        "1.7976931348623157E308",
        "NaN",
        "-Infinity",
        "1E400",
        "many",
    ],
)
def test_what_is_unset_is_none(told):
    assert number(told) is None


def test_an_order_has_the_fields_that_were_given(library):
    order = library.order(
        {
            "action": "BUY",
            "totalQuantity": Decimal("1E+2"),
            "lmtPrice": Decimal("1E-8"),
            "outsideRth": True,
            "orderRef": "mine",
        }
    )
    assert (order.action, order.outsideRth, order.orderRef) == ("BUY", True, "mine")
    assert (str(order.totalQuantity), str(order.lmtPrice)) == ("100", "0.00000001")


def test_an_order_has_no_other_fields(library):
    with pytest.raises(ValidationError, match="an order has no field 'limitPrice'"):
        library.order({"limitPrice": Decimal(1)})


def test_no_text_may_end_its_field(library):
    with pytest.raises(ValidationError, match="NUL"):
        library.order({"orderRef": "mine\0BUY"})
    with pytest.raises(ValidationError, match="NUL"):
        library.contract(VenueContract(symbol="AAPL\0"))


def test_a_contract_is_named_by_its_number(library):
    contract = library.contract(VenueContract(con_id=265598, exchange="SMART"))
    assert (contract.conId, contract.exchange, contract.symbol) == (265598, "SMART", "")


# Accounts.


@pytest.mark.parametrize(
    ("account", "paper"), [("DU1234567", True), ("DF123", True), ("U1234567", False), ("F1", False)]
)
def test_paper_accounts_begin_with_a_d(account, paper):
    assert is_paper(account) is paper


@pytest.mark.parametrize(
    ("account", "port"),
    [("DU1", 4002), ("DU1", 7497), ("U1", 4001), ("U1", 7496), ("DU1", 12345), ("U1", 12345)],
)
def test_an_account_on_a_port_of_its_kind_is_used(account, port):
    assert choose_account((account,), None, port) == account
    assert choose_account((account, "X2"), account, port) == account


@pytest.mark.parametrize(
    ("account", "port", "said"),
    [
        ("U1", 4002, "port 4002 is that of paper accounts by custom, and U1 is a live one"),
        ("U1", 7497, "4001 or 7496"),
        ("DU1", 4001, "port 4001 is that of live accounts by custom, and DU1 is a paper one"),
        ("DU1", 7496, "4002 or 7497"),
    ],
)
def test_an_account_on_a_port_of_the_other_kind_is_refused(account, port, said):
    with pytest.raises(ConnectError, match=said):
        choose_account((account,), None, port)
