"""The engines that there are here."""

from nanobook_core.lob.reference import Exchange as Reference
from nanobook_native import COMPILED

ENGINES = {"reference": Reference}

if COMPILED:
    from nanobook_native.engine import Exchange as Native

    ENGINES["native"] = Native
