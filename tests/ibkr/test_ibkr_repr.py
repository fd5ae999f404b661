"""A broker says where it is connected, and how well."""

import nanobook
from nanobook_ibkr.simulator import SimulatedGateway


def test_a_broker_shows_its_gateway_its_client_id_and_its_state():
    with SimulatedGateway() as gateway:
        broker = nanobook.IbkrBroker("127.0.0.1", gateway.port, client_id=7)
        where = f"<IbkrBroker 127.0.0.1:{gateway.port}, client_id 7, "
        assert repr(broker) == f"{where}disconnected>"
        with broker:
            assert repr(broker) == f"{where}ready>"
