"""Tests; a package, as eventkit installs one of the same name, which would be found instead."""
