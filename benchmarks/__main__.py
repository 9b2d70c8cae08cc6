"""``make bench``: every benchmark, one table after the other."""

from __future__ import annotations

from benchmarks import (
    alerts,
    attribution,
    drift,
    drift_concept,
    drift_rates,
    drift_real,
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
    drift_rates,
    drift_concept,
    drift_real,
):
    benchmark.main()
