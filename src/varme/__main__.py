"""``python -m varme``."""

from varme.cli.main import main

if __name__ == "__main__":
    main()
