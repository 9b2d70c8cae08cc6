"""Features, labels, splits, candidates and their evaluation out of sample."""

from shadowbook.core.learning.splits import PurgedWalkForward as PurgedWalkForward
