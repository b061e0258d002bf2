"""`python -m etl …` is the same as `brapped …`."""

from etl.cli import main

main()
