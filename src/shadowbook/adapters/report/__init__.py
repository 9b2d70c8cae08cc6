"""The page of a run: plain HTML with drawn figures, complete in one file."""
