"""What earlier calls have brought is stored before the next call is made, whatever durability the caller chose.

With LangGraph's default durability ("async") a superstep begins while the one before it is still being written: a
process that dies then loses finished calls, with fast models several in a row. "sync" has no such gap; "exit" and a
memory saver store nothing that would outlive the process, so that there is nothing to wait for.
"""

from __future__ import annotations

import asyncio
import time

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.config import get_config
from langgraph.constants import CONFIG_KEY_CHECKPOINTER
from langgraph.runtime import get_runtime

from trigreason_graph.bridge import on_background_loop
from trigreason_graph.errors import NotStored
from trigreason_graph.settings import Settings

DURABILITY = "__pregel_durability"
"""Where LangGraph keeps the durability in a run's `configurable`, when the caller named one."""
STORE_SECONDS = 60.0
"""Longest wait for the saver. Our choice: a database that needs longer is down, and further calls would be lost too."""
USUAL_SECONDS = 0.002
"""Seconds before the first look, as long as a local write takes: looking is a read, and costs as much as the write."""
LONGEST_PAUSE = 0.05
"""Seconds between two looks at most; the second one comes half a millisecond after the first."""


async def stored() -> None:
    """Wait until the checkpoint that the running node starts from can be read back.

    Raises:
        NotStored: It could not be for a minute: nothing further is paid.
    """
    saver = get_config().get("configurable", {}).get(CONFIG_KEY_CHECKPOINTER)
    if not isinstance(saver, BaseCheckpointSaver) or isinstance(saver, InMemorySaver) or not _writes_behind():
        return
    config, begun, pause = _checkpoint(), time.monotonic(), 0.0005
    await asyncio.sleep(USUAL_SECONDS)
    while not await _is_there(saver, config):
        if time.monotonic() - begun > STORE_SECONDS:
            raise NotStored(
                f"the checkpointer ({type(saver).__name__}) has not stored the last step within {STORE_SECONDS:g} s; "
                "nothing further was paid: mend it, then resume the thread with None as input"
            )
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


def _writes_behind() -> bool:
    durability: str = get_config().get("configurable", {}).get(DURABILITY, "async")
    return durability == "async"


def _checkpoint() -> RunnableConfig:
    """The checkpoint that the running node's superstep starts from; a node's namespace is its graph's and its own."""
    info = get_runtime(Settings).execution_info
    assert info is not None, "execution_info is set inside a node"
    namespace = info.checkpoint_ns.rpartition("|")[0]
    return {
        "configurable": {
            "thread_id": info.thread_id,
            "checkpoint_ns": namespace,
            "checkpoint_id": info.checkpoint_id,
        }
    }


async def _is_there(saver: BaseCheckpointSaver[str], config: RunnableConfig) -> bool:
    if on_background_loop():  # a sync caller's saver is a sync one, or belongs to another loop
        return await asyncio.to_thread(saver.get_tuple, config) is not None
    return await saver.aget_tuple(config) is not None
