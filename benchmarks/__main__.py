"""``make bench``: every benchmark, one table after the other."""

from __future__ import annotations

from benchmarks import (
    alerts,
    attribution,
    drift,
    features,
    ledger,
    main_job,
    mechanisms,
    monitor,
    parity,
    performance,
    replay,
)

for benchmark in (
    features,
    main_job,
    ledger,
    replay,
    performance,
    alerts,
    attribution,
    parity,
    mechanisms,
    monitor,
    drift,
):
    benchmark.main()
