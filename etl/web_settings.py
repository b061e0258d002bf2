"""The settings of the web application: its address, and who may register."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

LOOPBACK = ("127.0.0.1", "[::1]")


class WebSettings(BaseSettings):
    """What `Settings` has about the web application."""

    web_url: str | None = Field(
        default=None,
        description="Address of the web application as browsers see it, such as https://music.example.org. Absent:"
        " http://127.0.0.1 and the port of brapped serve.",
    )
    web_registration: Literal["open", "invitation", "closed"] = Field(
        default="invitation",
        description="Who may register with the web application: open (everybody), invitation (brapped invite), closed"
        " (only listeners who are recorded already).",
    )

    @field_validator("web_url")
    @classmethod
    def is_an_origin(cls, value: str | None) -> str | None:
        """A scheme, a host and perhaps a port. Raises ValueError for anything else."""
        if value is None:
            return None
        parts = urlsplit(value.strip().rstrip("/"))
        is_loopback = parts.scheme == "http" and parts.netloc.rpartition(":")[0] in LOOPBACK
        if parts.path or parts.query or parts.fragment or "@" in parts.netloc or not parts.hostname:
            raise ValueError("has to be an address without a path, such as https://music.example.org")
        if parts.scheme != "https" and not is_loopback:
            raise ValueError("has to start with https://; only http://127.0.0.1:PORT may go without, as Spotify has it")
        return f"{parts.scheme}://{parts.netloc.lower()}"
