"""Sources: one reader each, which turns what a source reports into rows of a batch."""
