"""Peers that a test needs: absent ones skip the test, or fail it where VARME_REQUIRE_SERVICES=1."""

import importlib
import os
import warnings

import pytest


def peer(package):
    """Return an imported peer.

    Its warnings at import are its own affair.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(package)
    except ImportError:
        reason = f"{package} is not installed: nothing to compare with"
        if os.environ.get("VARME_REQUIRE_SERVICES") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
