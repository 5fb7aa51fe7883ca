"""Bytes to checked tables: series from files, named export layouts, plant tables, synthetic years. No models."""
