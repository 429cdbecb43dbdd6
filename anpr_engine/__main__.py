"""The `anpr` command."""

from anpr_engine.cli.group import main

if __name__ == "__main__":
    main()
