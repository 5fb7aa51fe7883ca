"""Markets: trading rules and tariffs."""
