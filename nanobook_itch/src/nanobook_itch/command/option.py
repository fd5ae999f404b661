"""What the subcommands have in common."""

from __future__ import annotations

import click

force_option = click.option("--force", is_flag=True, help="Replace what is there.")
