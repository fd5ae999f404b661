"""Parts of benchmarks/order_book.py."""
