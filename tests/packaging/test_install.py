"""What a checkout installs, with pip and with uv, and what stands in the wheels that it builds."""

import json
import re
import zipfile
from email.parser import HeaderParser

import pytest

pytestmark = pytest.mark.packaging

NO_COMPILER = {"CC": "/bin/false"}

CORE_CAPABILITIES = [
    "backtest_stops",
    "backtest_holdings",
    "broker_paper",
    "command_backtest",
    "command_capabilities",
    "command_demo",
    "command_doctor",
    "command_lob",
    "command_new_plugin",
    "command_plugins",
    "engine_exchange",
    "kernel_schedule_to_dense",
    "kernel_simulate",
]

#: 1 000.00 buys five shares at 100.00 and two at 200.00, 100.00 stay; both prices rise by a tenth.
BACKTEST = """
import nanobook
result = nanobook.backtest_weights(
    weight_schedule=[[("AAPL", 0.5), ("MSFT", 0.5)], None],
    price_schedule=[[("AAPL", 100_00), ("MSFT", 200_00)], [("AAPL", 110_00), ("MSFT", 220_00)]],
    initial_cash=1_000_00,
    cost_bps=0,
)
print(result["equity_curve"])
"""


INSTALLED = """
from importlib.metadata import distributions
print(*(each.name for each in distributions()))
"""

BINANCE = """
import nanobook
broker = nanobook.BinanceBroker("a" * 64, "b" * 64)
print(type(broker).__name__, broker.connection().is_live)
"""

SIMULATED = """
from decimal import Decimal
import nanobook
from nanobook_binance.simulator import SimulatedBinance

with SimulatedBinance() as binance:
    keys = binance.api_key, binance.secret_key
    with nanobook.BinanceBroker(*keys, base_url=binance.url) as broker:
        broker.submit_order("BTC", "buy", Decimal("0.01"))
        print(broker.fills()[0].quantity)
"""


def pip_install(venv, *arguments, cwd):
    """Install with the pip that came with Python; where each distribution was taken from."""
    report, log = venv.folder / "report.json", venv.folder / "pip.log"
    venv.run(
        *("pip", "install", "--no-compile", "--quiet", "--report", report, "--log", log),
        *arguments,
        cwd=cwd,
        **NO_COMPILER,
    )
    asked = re.findall(r"Fetching project page.*/([^/\s]+)/?$", log.read_text(), re.MULTILINE)
    assert "attrs" in asked  # so the log does say what the index was asked for
    assert [name for name in asked if "nanobook" in name] == []
    return {
        item["metadata"]["name"]: item["download_info"]["url"]
        for item in json.loads(report.read_text())["install"]
    }


def ib_libraries(sources):
    """Libraries for Interactive Brokers, and what they bring under one name."""
    names = {name.replace("-", "_") for name in sources}
    return names & {"ib_insync", "ib_async", "eventkit", "aeventkit"}


def test_stock_pip_installs_everything_from_the_checkout_without_a_compiler(
    make_venv, copy_checkout, wheels
):
    checkout, venv = copy_checkout(), make_venv(stock_pip=True)
    sources = pip_install(venv, ".[all]", cwd=checkout)
    ours = {name for name in sources if name.startswith("nanobook")}
    assert ours == set(wheels)
    assert ib_libraries(sources) == {"ib_insync", "eventkit"}
    assert all(sources[name].startswith(checkout.as_uri()) for name in ours)
    assert venv.python("import nanobook_native; print(nanobook_native.COMPILED)") == "False\n"
    assert venv.run("nanobook", "--version").stdout == "nanobook, version 0.1.0\n"
    assert "backtest_stops" in venv.run("nanobook", "capabilities").stdout
    demo = json.loads(venv.run("nanobook", "demo", "--json").stdout)
    assert (venv.folder / demo["png"]).is_file()
    venv.run("nanobook", "plugins", "--json", NANOBOOK_STRICT="1")


@pytest.mark.parametrize(
    ("requirements", "libraries"),
    [
        ([".[ibkr]"], {"ib_insync", "eventkit"}),
        (["./nanobook_core", "./nanobook_ibkr[ib-async]"], {"ib_async", "aeventkit"}),
        (["./nanobook_core", "./nanobook_ibkr"], set()),
    ],
)
def test_stock_pip_installs_one_library_for_interactive_brokers_or_none(
    make_venv, copy_checkout, requirements, libraries
):
    venv = make_venv(stock_pip=True)
    sources = pip_install(venv, *requirements, cwd=copy_checkout())
    assert ib_libraries(sources) == libraries
    assert "nanobook-ibkr" in sources


@pytest.mark.parametrize(
    ("requirements", "has_server"),
    [([".[binance]"], True), (["./nanobook_core", "./nanobook_binance"], False)],
)
def test_binance_is_installed_with_its_simulator_or_without(
    make_venv, copy_checkout, requirements, has_server
):
    venv = make_venv()
    venv.install(*requirements, cwd=copy_checkout(), **NO_COMPILER)
    installed = set(venv.python(INSTALLED).split())
    assert {"requests", "websocket-client", "cryptography"} <= installed
    assert ("aiohttp" in installed) == has_server
    assert ib_libraries(installed) == set()
    assert venv.python(BINANCE) == "BinanceBroker False\n"
    command = ("python", "-m", "nanobook_binance.simulator", "--help")
    if has_server:
        assert "--balance" in venv.run(*command).stdout
        assert venv.python(SIMULATED) == "0.01\n"
    else:
        assert "No module named 'aiohttp'" in venv.run(*command, status=1).stderr
    findings = json.loads(venv.run("nanobook", "doctor", "--json").stdout)
    assert {each["about"]: each["level"] for each in findings}["aiohttp"] == (
        "ok" if has_server else "note"
    )


def test_itch_needs_no_compiler_and_says_what_parquet_files_need(make_venv, copy_checkout):
    venv = make_venv()
    venv.install("./nanobook_core", "./nanobook_itch", cwd=copy_checkout(), **NO_COMPILER)
    small = ("--messages", "2000", "--symbols", "3")
    venv.run("nanobook", "itch", "sample", "day.itch.gz", *small, cwd=venv.folder)
    shown = venv.run("nanobook", "itch", "books", "day.itch.gz", cwd=venv.folder).stdout
    assert [line.split()[0] for line in shown.splitlines()] == ["symbol", "NVDA", "AAPL", "TSLA"]
    write = ("nanobook", "itch", "books", "day.itch.gz", "--out")
    assert "rows of bbo" in venv.run(*write, "bbo.csv", cwd=venv.folder).stdout
    refused = venv.run(*write, "bbo.parquet", cwd=venv.folder, status=1).stderr
    assert "python3 -m pip install pyarrow" in refused
    findings = json.loads(venv.run("nanobook", "doctor", "--json").stdout)
    levels = {each["about"]: each["level"] for each in findings}
    assert (levels["itch"], levels["pyarrow"]) == ("warning", "note")


def test_the_core_alone_needs_no_other_part_and_says_what_it_can_do(make_venv, copy_checkout):
    checkout, venv = copy_checkout(), make_venv(stock_pip=True)
    sources = pip_install(venv, "./nanobook_core", cwd=checkout)
    assert {name for name in sources if name.startswith("nanobook")} == {"nanobook-core"}
    assert json.loads(venv.run("nanobook", "capabilities", "--json").stdout) == CORE_CAPABILITIES
    assert venv.python(BACKTEST) == "[100000, 100000, 109000]\n"
    assert "momentum" in venv.run("nanobook", "demo", "--help").stdout
    missing = "import nanobook; print(hasattr(nanobook, 'plot_equity'))"
    assert venv.python(missing) == "False\n"


def test_uv_installs_everything_from_the_checkout_with_a_compiler(make_venv, copy_checkout, wheels):
    venv = make_venv()
    venv.install(".[all]", cwd=copy_checkout(), NANOBOOK_REQUIRE_COMPILED="1")
    listed = json.loads(venv.run("nanobook", "plugins", "--json").stdout)["plugins"]
    assert {plugin["provider"] for plugin in listed} == set(wheels) - {"nanobook"}
    assert all(plugin["loaded"] for plugin in listed)
    native = next(plugin for plugin in listed if plugin["provider"] == "nanobook-native")
    assert "schedule_to_dense" in [offer["name"] for offer in native["offers"]]


def test_parts_can_be_installed_editable_with_pip(make_venv, copy_checkout):
    checkout, venv = copy_checkout(), make_venv(stock_pip=True)
    parts = ["nanobook_core", "plugins/nanobook_costs", "nanobook_ibkr"]
    pip_install(venv, *(word for part in parts for word in ("-e", f"./{part}")), cwd=checkout)
    places = venv.python(
        "import nanobook, nanobook_costs, nanobook_ibkr\n"
        "for part in (nanobook, nanobook_costs, nanobook_ibkr):\n"
        "    print(part.__file__)"
    )
    assert all(place.startswith(str(checkout)) for place in places.split())
    shown = json.loads(venv.run("nanobook", "plugins", "--json").stdout)
    assert [plugin["provider"] for plugin in shown["plugins"]] == [
        "nanobook-core",
        "nanobook-costs",
        "nanobook-ibkr",
    ]


def files_in(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def metadata_of(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return HeaderParser().parsestr(archive.read(name).decode())


def test_no_wheel_names_a_folder_of_the_machine_that_built_it(wheels):
    for wheel in wheels.values():
        metadata = metadata_of(wheel).as_string()
        assert "file://" not in metadata
        assert str(wheel.parents[1]) not in metadata  # the checkout and the wheels are beside it


def test_the_root_wheel_pins_every_part_to_its_own_version(wheels):
    required = metadata_of(wheels["nanobook"]).get_all("Requires-Dist")
    names = {re.match(r"[\w-]+", line)[0] for line in required}
    assert names == set(wheels) - {"nanobook"}
    assert all(re.match(r"[\w\[\]-]+==0\.1\.0(;|$)", line) for line in required)


def test_only_the_compiled_part_depends_on_a_platform(wheels):
    special = [name for name, wheel in wheels.items() if not wheel.match("*-py3-none-any.whl")]
    assert special == ["nanobook-native"]


def test_every_wheel_refuses_to_be_uploaded(wheels):
    for wheel in wheels.values():
        assert "Private :: Do Not Upload" in metadata_of(wheel).get_all("Classifier")


def test_wheels_hold_no_tests_no_sources_to_compile_and_nothing_but_their_packages(wheels):
    for name, wheel in wheels.items():
        own = {name.replace("-", "_")} | ({"nanobook"} if name == "nanobook-core" else set())
        for file in files_in(wheel):
            top, *inner = file.split("/")
            assert top in own or top.endswith(".dist-info"), file
            assert not file.endswith((".pyx", ".pxd", ".c", ".h", ".so.tmp")), file
            # Templates of tests are files of the core, not tests.
            assert "tests" not in inner, file
            assert not re.match(r"test_.*\.py$", file.rsplit("/", 1)[-1]), file


def test_every_file_of_a_package_is_in_its_wheel(checkout, wheels):
    for name, wheel in wheels.items():
        if name == "nanobook":
            assert [f for f in files_in(wheel) if ".dist-info" not in f] == []
            continue
        (source,) = [
            folder / "src" for folder in checkout.glob(f"**/{name.replace('-', '_')}")
            if (folder / "pyproject.toml").is_file()
        ]  # fmt: skip
        wanted = {
            str(file.relative_to(source))
            for file in source.rglob("*")
            if file.is_file() and file.suffix not in (".pyx", ".pxi", ".h")
        }
        assert any(file.endswith("/py.typed") for file in wanted)
        assert wanted <= set(files_in(wheel)), name


def test_the_core_brings_its_data(wheels):
    files = files_in(wheels["nanobook-core"])
    assert any(re.fullmatch(r"nanobook/demo/\w+\.csv\.gz", file) for file in files)
    assert "nanobook_core/cli/templates/risk_check/src-check.py.txt" in files
