"""What tests and benchmarks of a market data feed are made from.

`day` needs nothing but Python; `strategies` and `suite` need hypothesis and pytest.
"""
