"""`python -m etl …` is the same as `brapped …`."""

from etl.interrupts import exit_on_interrupt


def main() -> None:
    exit_on_interrupt()
    from etl.cli.app import main as run

    run()


if __name__ == "__main__":
    main()
