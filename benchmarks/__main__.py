"""``make bench``: every benchmark, one table after the other."""

from __future__ import annotations

from benchmarks import (
    alerts,
    attribution,
    court,
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
    promotion_sequential,
    promotion_size,
    promotion_tests,
    ramp,
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
    promotion_tests,
    promotion_size,
    promotion_sequential,
    court,
    ramp,
):
    benchmark.main()
