"""`python -m factorpool`."""

from factorpool.cli import main

if __name__ == "__main__":
    main()
