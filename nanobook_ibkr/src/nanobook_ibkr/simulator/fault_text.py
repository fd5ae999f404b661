"""What TWS says with the codes that a simulated gateway may be told to answer with."""

OF_CANCEL = frozenset({161, 10147, 10148})
"""Codes that answer a cancel; all others answer an order."""
WARNINGS = frozenset({105, 399, 404, 2109, 10349})
"""Codes with which an order lives on."""
TEXTS = {
    103: "Duplicate order id",
    104: "Cannot modify a filled order.",
    105: "Order being modified does not match original order.",
    110: "The price does not conform to the minimum price variation for this contract.",
    161: "Cancel attempted when order is not in a cancellable state.",
    200: "No security definition has been found for the request",
    201: "Order rejected - reason:simulated",
    203: "The security is not available or allowed for this account.",
    321: "Error validating request.-'bW' : cause - simulated",
    399: "Order Message:\nWarning: your order will not be placed at the exchange until it opens.",
    404: "Order held while securities are located.",
    434: "The order size cannot be zero.",
    2109: "Order Event Warning: Attribute 'Outside Regular Trading Hours' is ignored.",
    10147: "OrderId {} that needs to be cancelled is not found.",
    10148: "OrderId {} that needs to be cancelled cannot be cancelled, state: Filled.",
    10349: "Order TIF was set to DAY based on order preset.",
}
