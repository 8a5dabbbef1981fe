"""Model files on this machine: their state, their stamps, joining them from pieces."""

from __future__ import annotations

import os
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.embedded_index import make_model
from trigreason_graph.errors import DownloadError, ModelNotReady
from trigreason_graph.models.embedded import catalog, store
from trigreason_graph.models.embedded.assembly import JOINED, Assembly
from trigreason_graph.models.embedded.sources import Piece

MODEL, CONTENT = make_model("small", parts=3)


@pytest.fixture(autouse=True)
def made_up_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIGREASON_HOME", str(tmp_path))
    for module in (catalog, store):
        monkeypatch.setattr(module, "MODELS", {"small": MODEL})


@pytest.fixture
def path() -> Path:
    """The model's file, complete and unchecked."""
    path = catalog.model_path("small")
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    return path


class TestPlaces:
    def test_home_moves_the_models(self, tmp_path: Path) -> None:
        assert catalog.model_path("small") == tmp_path / "models" / "small.gguf"

    def test_otherwise_the_users_cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("TRIGREASON_HOME")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        assert catalog.models_dir().parts[-2:] == ("trigreason", "models")

    def test_a_source_is_a_key_or_a_path(self, tmp_path: Path) -> None:
        assert catalog.locate("small") == catalog.model_path("small")
        assert catalog.locate("~/mine.gguf") == Path.home() / "mine.gguf"


class TestState:
    def test_missing_partial_unchecked_verified(self, tmp_path: Path) -> None:
        assert store.stored("small").state == "missing"
        folder = store.partial_dir(MODEL)
        folder.mkdir(parents=True)
        (folder / "joined").write_bytes(bytes(1000))
        assert (store.stored("small").state, store.stored("small").bytes) == ("partial", 1000)
        catalog.model_path("small").write_bytes(CONTENT)
        assert store.stored("small").state == "unchecked"
        assert store.check("small").state == "verified"
        assert store.stored("small").state == "verified"

    def test_a_checked_file_is_not_hashed_again(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        store.ensure_verified("small")
        monkeypatch.setattr(store, "hash_file", lambda *_: pytest.fail("hashed again"))
        assert store.ensure_verified("small") == path

    def test_a_changed_file_is(self, path: Path) -> None:
        store.ensure_verified("small")
        path.write_bytes(bytes(len(CONTENT)))
        os.utime(path, ns=(0, 0))
        assert store.stored("small").state == "unchecked"
        assert store.check("small").state == "wrong"

    def test_another_size_is_wrong_without_hashing(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path.write_bytes(CONTENT[:-1])
        monkeypatch.setattr(store, "hash_file", lambda *_: pytest.fail("hashed"))
        assert store.check("small").state == "wrong"

    def test_a_torn_stamp_only_costs_a_check(self, path: Path) -> None:
        store.ensure_verified("small")
        path.with_name(f"{path.name}.verified.json").write_text("{")
        assert store.stored("small").state == "unchecked"

    def test_a_folder_that_cannot_be_written_is_no_obstacle(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*arguments: object, **options: object) -> int:
            raise PermissionError

        monkeypatch.setattr(Path, "write_text", refuse)
        assert store.ensure_verified("small") == path

    @pytest.mark.parametrize(
        ("prepare", "expected"),
        [
            (lambda path: path.unlink(), "not on this machine"),
            (lambda path: path.write_bytes(b"x"), "not the official"),
            (lambda path: path.write_bytes(bytes(len(CONTENT))), "not the official"),
        ],
    )
    def test_what_cannot_be_used_names_the_command(self, path: Path, prepare: object, expected: str) -> None:
        prepare(path)  # type: ignore[operator]
        with pytest.raises(ModelNotReady, match=rf"{expected}.*trigreason models pull small"):
            store.ensure_verified("small")

    def test_removing_takes_stamps_and_leftovers_too(self, path: Path) -> None:
        store.ensure_verified("small")
        folder = store.partial_dir(MODEL)
        folder.mkdir(parents=True)
        (folder / "piece").write_bytes(bytes(10))
        assert store.remove("small") == len(CONTENT)
        assert [found for found in catalog.models_dir().rglob("*") if found.is_file()] == []

    def test_digest_of_any_file(self, tmp_path: Path) -> None:
        mine = tmp_path / "mine.gguf"
        mine.write_bytes(CONTENT)
        assert store.digest_of(mine) == MODEL.sha256


class TestJoining:
    @settings(max_examples=40)
    @given(st.lists(st.integers(1, len(CONTENT) - 1), max_size=6, unique=True), st.integers(0, len(CONTENT)))
    def test_goes_on_from_wherever_it_was_stopped(self, cuts: list[int], have: int) -> None:
        edges = [0, *sorted(cuts), len(CONTENT)]
        pieces = [Piece(f"{start}", end - start, end - start, start) for start, end in pairwise(edges)]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "making"
            folder.mkdir()
            (folder / JOINED).write_bytes(CONTENT[:have])
            assembly = Assembly(MODEL, folder)
            kept = assembly.resume(pieces, lambda _: None)
            assert edges[kept] == max(edge for edge in edges if edge <= have)
            for piece in pieces[kept:]:
                file = folder / piece.name
                file.write_bytes(CONTENT[int(piece.name) :][: piece.bytes])
                assembly.add(piece, file)
                assert not file.exists()
            assembly.finish(Path(name) / "done")
            assert (Path(name) / "done").read_bytes() == CONTENT
            assert not folder.exists()

    def test_anything_but_the_official_bytes_is_removed(self, tmp_path: Path) -> None:
        folder = tmp_path / "making"
        assembly = Assembly(MODEL, folder)
        piece = Piece("all", len(CONTENT), len(CONTENT), 0)
        assembly.resume([piece], lambda _: None)
        (folder / "all").write_bytes(bytes(len(CONTENT)))
        assembly.add(piece, folder / "all")
        with pytest.raises(DownloadError, match=r"not the official small\.gguf.*removed"):
            assembly.finish(tmp_path / "done")
        assert not folder.exists()
        assert not (tmp_path / "done").exists()
