"""Files larger than memory: reading them needs no more memory than it is given."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pytest

METERS, DAYS = 4000, 1096
TASK = """
import json, resource, sys
from pathlib import Path
import numpy as np
from varme.data.meters.read import open_meters
from varme.data.meters.spec import MeterFilesSpec
def peak_mb(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before = peak_mb()
found = open_meters(
    MeterFilesSpec(files="m.csv"), Path(sys.argv[1]), np.datetime64("2019-01-01"), np.datetime64("2021-12-31"),
    "Europe/Berlin", memory=sys.argv[2], bucket_rows=int(sys.argv[3]),
)
total = sum(float(found.source.block(k, k + 100).values.sum(dtype=float)) for k in range(0, 4000, 100))
print(json.dumps({"grown_mb": peak_mb() - before, "total": total, "meters": len(found.source.meters)}))
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Path:
    """A file in the order of days, the worst for a panel by meter: 4.4 million rows in 115 MB."""
    folder = tmp_path_factory.mktemp("large")
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        connection.execute(
            "COPY (SELECT printf('meter%06d', (m * 7919) % 4000) AS meter, DATE '2019-01-01' + d::INTEGER AS date, "
            "((m * 31 + d * 17) % 1000) / 100 AS m3 FROM range(1096) s(d), range(4000) t(m)) "
            f"TO '{folder / 'm.csv'}' (HEADER)"
        )
    return folder


@pytest.mark.slow
def test_a_file_several_times_larger_than_memory_is_read_and_complete(large):
    size_mb = (large / "m.csv").stat().st_size / 1e6
    done = subprocess.run(
        [sys.executable, "-c", TASK, str(large), "40MB", "250000"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    meter, day = np.arange(METERS)[:, None], np.arange(DAYS)
    assert found["meters"] == METERS
    assert found["total"] == pytest.approx(((meter * 31 + day * 17) % 1000 / 100).sum(), rel=1e-6)
    assert found["grown_mb"] < size_mb
    assert size_mb > 2.5 * 40
