"""The kernels of ITCH without a compiler; the compiled ones equal them."""
