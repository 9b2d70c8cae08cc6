"""Prints how often each kind of standard error rejects a true mean of 0; see docs/statistics.md."""

from __future__ import annotations

import sys

import numpy as np

from shadowbook.core.stats.hac import bandwidth, mean_standard_error, small_sample_factor

WORLDS = 2_000
SEED = 1


def main() -> None:
    """Write the table, a line as soon as it is known (about ten seconds)."""
    rng = np.random.default_rng(SEED)
    sys.stdout.write("| h | T | L | usual s/√T | Newey-West | stretched, as used |\n")
    sys.stdout.write("| --- | --- | --- | --- | --- | --- |\n")
    for overlap in (1, 5, 21):
        for length in (250, 1_000, 5_000):
            lags = bandwidth(length, overlap)
            ratios = np.array([_ratios(rng, overlap, length, lags) for _ in range(WORLDS)])
            limits = np.array([1.96, 1.96, 1.96 * small_sample_factor(length, lags)])
            usual, plain, stretched = 100.0 * (ratios > limits).mean(axis=0)
            sys.stdout.write(
                f"| {overlap} | {length:,} | {lags} | {usual:.1f} % | {plain:.1f} % "
                f"| {stretched:.1f} % |\n"
            )
            sys.stdout.flush()


def _ratios(
    rng: np.random.Generator, overlap: int, length: int, lags: int
) -> tuple[float, float, float]:
    """Draw one series of overlapping means and return its |t| by the usual and by our error."""
    sums = np.cumsum(np.concatenate([[0.0], rng.normal(size=length + overlap - 1)]))
    values = (sums[overlap:] - sums[:-overlap]) / overlap
    size = abs(float(values.mean()))
    ours = size / mean_standard_error(values, lags)
    return size / (float(values.std(ddof=1)) / length**0.5), ours, ours


if __name__ == "__main__":
    main()
