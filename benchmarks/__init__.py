"""Benchmarks: one registry of subject x phase, each with its bar and with its peers measured in the same run.

``python -m benchmarks [--only NAME...] [--quick] [--json FILE]``

One thread everywhere: the limits are set here, before any module of the package imports a library that reads them.
"""

import os

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
    os.environ[_variable] = "1"
