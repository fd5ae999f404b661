"""The `nanobook` command. Its subcommands come from plugins, the core's own among them."""
