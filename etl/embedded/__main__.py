"""`python -m etl.embedded`: hold the embedded Postgres open."""

from etl.embedded.postgres import main

if __name__ == "__main__":
    main()
