"""`python -m millrace`."""

from millrace.cli.app import main

if __name__ == "__main__":
    main()
