"""An event loop whose time passes only when it would sleep, so that waiting takes none."""

import asyncio
import selectors


class _Selector(selectors.SelectSelector):
    loop = None

    def select(self, timeout=None):
        events = super().select(0)
        if not events and timeout:
            self.loop.now += timeout
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        selector = _Selector()
        super().__init__(selector)
        selector.loop = self
        self.now = 0.0

    def time(self):
        return self.now


def run(coroutine):
    """Run a coroutine from second 0 on; nothing may be raised that nobody takes."""
    defects = []
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.get_loop().set_exception_handler(lambda _, context: defects.append(context))
        result = runner.run(coroutine)
    assert defects == []
    return result
