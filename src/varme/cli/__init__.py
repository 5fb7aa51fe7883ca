"""The command line: ``varme``."""
