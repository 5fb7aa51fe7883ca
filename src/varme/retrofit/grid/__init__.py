"""Grid: simultaneity, transformers, adoption, hand-over."""
