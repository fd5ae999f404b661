from nanobook_core import contracts

class Engine(contracts.Engine):
    def __init__(self, *, stop_trigger: str = "every", log_events: bool = True) -> None: ...
