"""The `nanobook` command; also `python -m nanobook`."""

from nanobook_core.cli.main import main

if __name__ == "__main__":
    main()
