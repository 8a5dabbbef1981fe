"""What `trigreason` takes where no option says otherwise: from the environment, else the embedded pair."""

from __future__ import annotations

from pydantic_settings import BaseSettings, SettingsConfigDict


class Defaults(BaseSettings):
    """Read from TRIGREASON_SMALL, TRIGREASON_LARGE, TRIGREASON_FALLBACK and TRIGREASON_POLICY."""

    model_config = SettingsConfigDict(env_prefix="TRIGREASON_", env_ignore_empty=True)

    small: str = "embedded:small"
    large: str = "embedded:large"
    fallback: str | None = None
    policy: str | None = None
