"""The installed library as a peer of the wire: what it sends, and how it decodes."""

import asyncio
import dataclasses
import datetime as dt
import importlib
import importlib.util
import logging
import types


def _library():
    """ib_insync where it is installed, ib_async otherwise; both want a loop when imported."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        name = "ib_insync" if importlib.util.find_spec("ib_insync") else "ib_async"
        for part in ("client", "contract", "decoder", "objects", "order"):
            importlib.import_module(f"{name}.{part}")
        return importlib.import_module(name)
    finally:
        asyncio.set_event_loop(None)
        loop.close()


library = _library()
HIGHEST = library.client.Client.MaxClientVersion


class Recorder:
    """A wrapper that writes down which of its methods was called with what."""

    defaultTimezone = dt.UTC  # noqa: N815 - ib_async's name
    ib = types.SimpleNamespace(TimezoneTWS=None)

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        if name in ("tcpDataArrived", "tcpDataProcessed") or name.startswith("_"):
            raise AttributeError(name)
        return lambda *args: self.calls.append((name, args))


def decoded(fields, version):
    """The call the library's decoder makes of one message; what it logs is an error."""
    wrapper = Recorder()
    decoder = library.decoder.Decoder(wrapper, version)
    said = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(logging.Formatter().format(record))
    decoder.logger.addHandler(handler)
    try:
        decoder.interpret(list(fields))
    finally:
        decoder.logger.removeHandler(handler)
    assert said == []
    assert len(wrapper.calls) == 1
    return wrapper.calls[0]


def sent(version, send):
    """The fields of the message the library's client sends when `send` is called with it."""
    client = library.client.Client(Recorder())
    client.connState = client.CONNECTED
    client._serverVersion = version
    messages = []
    client.sendMsg = messages.append
    send(client)
    (message,) = messages
    fields = message.split("\0")
    assert fields.pop() == ""
    return fields


def told(value):
    """What is not left at its default in a record of the library's, as plain values."""
    if dataclasses.is_dataclass(value):
        defaults = type(value)()
        names = [field.name for field in dataclasses.fields(value)]
        changed = {name: getattr(value, name) for name in names}
        return {name: told(v) for name, v in changed.items() if v != getattr(defaults, name)}
    if isinstance(value, (list, tuple)):
        return [told(v) for v in value]
    if isinstance(value, dt.datetime):
        return value.isoformat()
    return value
