"""``make bench``: every benchmark, one table after the other."""

from __future__ import annotations

from benchmarks import features, main_job

for benchmark in (features, main_job):
    benchmark.main()
