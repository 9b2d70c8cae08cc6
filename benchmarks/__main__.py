"""``make bench``: every benchmark, one table after the other."""

from __future__ import annotations

from benchmarks import features, ledger, main_job, replay

for benchmark in (features, main_job, ledger, replay):
    benchmark.main()
