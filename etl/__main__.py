"""`python -m etl …` is the same as `brapped …`."""

from etl.interrupts import leave_at_once


def main() -> None:
    leave_at_once()
    from etl.cli.app import main as run

    run()


if __name__ == "__main__":
    main()
