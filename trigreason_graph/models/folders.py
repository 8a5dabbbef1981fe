"""Where what can be fetched or made again is kept on this machine."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(name: str) -> Path:
    """A folder of this package's: ``$TRIGREASON_HOME/name``, else in the user's cache directory. Not made here."""
    home = os.environ.get("TRIGREASON_HOME")
    if home:
        return Path(home).expanduser() / name
    from platformdirs import user_cache_path

    return user_cache_path("trigreason", appauthor=False) / name
