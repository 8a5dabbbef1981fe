"""A run as it happens: a pure consumer of events that writes to a screen."""

from __future__ import annotations

from dataclasses import dataclass

from trigreason_graph.cli import words
from trigreason_graph.cli.screen import Screen
from trigreason_graph.cli.tally import Event, Tally
from trigreason_graph.cli.writing import GutterWriter
from trigreason_graph.nodes.progress import READ

BLUEPRINT = -1
"""The step id of token events that belong to the blueprint, which is no step."""


@dataclass(frozen=True)
class Glyphs:
    """The few signs beside plain text."""

    bar: str = "│"
    signal: str = "▲"
    gone: str = "✗"
    note: str = "·"


ASCII = Glyphs(bar="|", signal="!", gone="x", note="-")


def glyphs_for(encoding: str | None) -> Glyphs:
    """Signs that an output of this encoding can show."""
    return Glyphs() if (encoding or "").lower().replace("-", "").startswith("utf") else ASCII


@dataclass
class Block:
    """A step on the screen: what it is called there, what it says, and whether it stands."""

    author: str
    number: int
    text: str = ""
    settled: bool = False

    @property
    def label(self) -> str:
        return f"{words.author(self.author)} {self.number}"


class View:
    """Shows a run: each step with its author, why the LRM was called, what was thrown away, and the totals so far.

    It needs no more than "step", "discard" and "outcome" events; with "token" events text appears as it is written.

    Args:
        screen: Where to write.
        tally: Keeps count; events go through it first. By default a new one.
    """

    def __init__(self, screen: Screen, tally: Tally | None = None) -> None:
        self.screen = screen
        self.tally = tally or Tally()
        self.glyphs = glyphs_for(screen.console.encoding)
        self._writer = GutterWriter(screen, self.glyphs.bar)
        self._blocks: dict[int, Block] = {}
        self._writing: int | None = None
        self._begun = 0  # steps begun in the open call: they will stand behind the accepted ones
        self._announced: tuple[str, int | None] | None = None
        self._reason = ""  # of the last signal, which need not be told again
        self._waiting = ""

    def waiting(self, text: str) -> None:
        """Say what is going on before the first event comes."""
        self._waiting = text
        if self.screen.live:
            self.tick()
        else:
            self._note(text, words.QUIET_STYLE)

    def handle(self, event: Event) -> None:
        """Show one event; unknown types are passed over."""
        self.tally.handle(event)
        show = getattr(self, f"_show_{event.get('type')}", None)
        if show is not None:
            show(event)
        self.tick()

    def tick(self) -> None:
        """Bring the status line up to date; call it a few times a second."""
        if self.screen.live:
            self.screen.status(status_line(self.tally, self._waiting, self.screen.console.width - 1))

    def close(self) -> None:
        """End what is open; the screen is then free for others."""
        self._writer.end()
        self._writing = None
        self.screen.status("")

    def _show_run(self, event: Event) -> None:
        self._waiting = ""
        parts = (f"SRM {event['small']}", f"LRM {event['large']}", f"policy {event['policy']}")
        self._say("models", f" {self.glyphs.note} ".join(parts), words.QUIET_STYLE)
        self._say("question", event["question"], "bold")
        self.screen.newline()

    def _show_call(self, event: Event) -> None:
        if event["status"] == "end":
            self._stop_writing()
            if not self.screen.live:
                self._note(call_line(event, self.tally), words.QUIET_STYLE)
            return
        self._drop_unfinished(flagged=len(self.tally.trace) + 1 if event["role"] == "large" else None)
        self._begun = 0
        judging = event["purpose"] == "review"  # one call a step: the status line tells of it
        if event["role"] == "large" and self._announced is None and event["trigger"] and not judging:
            self._signal_head(f"LRM called: {words.spaced(event['trigger'])}")
            self._announced = (event["trigger"], None)
            self._writer.end()
        if event.get("instruction"):
            self._note(f"told by you: {event['instruction']}", words.SIGNAL_STYLE)

    def _show_token(self, event: Event) -> None:
        step, text = event["step_id"], event["text"]
        if step != self._writing:
            if not text.strip():
                return  # white space behind a step that has been shown, or in front of one that may never come
            self._begin(step, event["role"])
        if step in self._blocks:
            self._blocks[step].text += text
        self._writer.write(text)

    def _begin(self, step: int, role: str) -> None:
        if step == BLUEPRINT:
            label = f"{words.author(role)} plan"
        else:
            if step not in self._blocks:
                self._begun += 1
                self._blocks[step] = Block(role, len(self.tally.trace) + self._begun)
            label = self._blocks[step].label
        self._writer.begin(label, style=words.STYLES.get(role, ""))
        self._writing = step

    def _show_step(self, event: Event) -> None:
        step, number = event["step_id"], event["index"] + 1
        block = self._blocks.get(step)
        if block is None:
            block = self._blocks[step] = Block(event["author"], number, event["text"])
            self._stop_writing()
            self._writer.begin(block.label, style=words.STYLES.get(block.author, ""))
            self._writer.write(event["text"])
            self._writer.end()
        elif block.number != number:
            self._note(f"{block.label} becomes step {number}", words.QUIET_STYLE)
            block.number = number
        block.text, block.settled = event["text"], True

    def _show_signal(self, event: Event) -> None:
        self._stop_writing()
        key = (event["trigger"], event.get("at"))
        known = self._announced is not None and self._announced[0] == key[0] and self._announced[1] in (None, key[1])
        explained = known and self._announced == key
        self._reason = event["reason"]
        if not known:
            self._signal_head(signal_title(event, placed=bool(self._blocks)))
        if not explained:
            self._signal_body(event)
        if event.get("served") is False:
            self._note(f"not served: {event.get('unserved_reason') or 'no reason given'}", words.SIGNAL_STYLE)
        self._announced = key if event.get("served") is None else None

    def _signal_head(self, title: str) -> None:
        self._stop_writing()
        self._writer.begin(self.glyphs.signal, style=words.SIGNAL_STYLE, text_style="bold yellow", bar=False)
        self._writer.write(title)

    def _signal_body(self, event: Event) -> None:
        if not self._writer.is_open:
            self._writer.begin("", bar=False)
            self._writer.write(event["reason"])
        else:
            self._writer.write("\n" + event["reason"], "")
        if event["evidence"]:
            facts = f" {self.glyphs.note} ".join(f"{name} {value}" for name, value in event["evidence"].items())
            self._writer.write("\n" + facts, words.QUIET_STYLE)
        self._writer.end()

    def _show_discard(self, event: Event) -> None:
        self._stop_writing()
        by = words.spaced(words.author(event["by"]))
        why = event["why"].partition(READ)[0]
        shown = [self._blocks[step] for step in event["step_ids"] if step in self._blocks]
        hidden = len(event["step_ids"]) - len(shown)
        for block in shown:
            block.settled = True
            self._discarded(block, by, why if block is shown[-1] and why != self._reason else "")
        if hidden:
            self._note(f"discarded by {by}, {words.count(hidden, 'draft')} not shown: {why}", words.QUIET_STYLE)

    def _discarded(self, block: Block, by: str, why: str = "") -> None:
        self._writer.begin(self.glyphs.gone, style="red", bar=False)
        self._writer.write(f"discarded {block.label}, {by}: ", "red")
        self._writer.write(words.shortened(block.text), words.GONE_STYLE)
        if why:
            self._writer.write("\n" + why, words.QUIET_STYLE)
        self._writer.end()

    def _drop_unfinished(self, flagged: int | None) -> None:
        """Before a new call: what was begun and not kept was cut off in mid-step, but for the flagged step."""
        self._stop_writing()
        for step, block in list(self._blocks.items()):
            if not block.settled and block.number != flagged:
                block.settled = True
                if block.text.strip():
                    self._discarded(block, "unfinished or said before")
                else:
                    del self._blocks[step]

    def _show_tool(self, event: Event) -> None:
        self._stop_writing()
        self._writer.begin("tool", style=words.STYLES["tool"])
        self._writer.write(f"{event['name']} {event['status']}: {event['text']}")
        self._writer.end()

    def _show_outcome(self, event: Event) -> None:
        self.close()

    def _stop_writing(self) -> None:
        self._writer.end()
        self._writing = None

    def _note(self, text: str, style: str) -> None:
        self._say(self.glyphs.note, text, style)

    def _say(self, label: str, text: str, style: str) -> None:
        self._stop_writing()
        self._writer.say(label, text, style=words.QUIET_STYLE, text_style=style)


def signal_title(event: Event, *, placed: bool) -> str:
    """Who is called by which trigger, and at which step; `placed`: there are steps."""
    place = f" at step {event['at'] + 1}" if placed and event.get("at") is not None else ""
    trigger = words.spaced(event["trigger"])
    if event.get("served") is False:
        return f"{trigger}{place}"
    match event["route"]:
        case "retry":
            return f"SRM tries again: {trigger}{place}"
        case "rollback":
            return f"Rollback: {trigger}{place}"
        case _:
            return f"LRM called: {trigger}{place}"


def status_line(tally: Tally, waiting: str, width: int) -> str:
    """What is going on and what it took so far, as much of it as `width` columns hold."""
    call = tally.call
    if tally.outcome is not None:
        return ""
    if call:
        doing = words.DOING.get(call.purpose, "writes") if call.tokens else "reads"
        now = f"{words.author(call.role)} {doing}"
    else:
        now = waiting or "…"
    tokens = words.count(tally.total_tokens, "token")
    if tally.large_tokens:
        tokens += f" (LRM {tally.large_tokens:,})"
    parts = [now, words.seconds(tally.elapsed)]
    if not waiting:
        parts += [tokens, words.money(tally.cost)]
    while len(parts) > 1 and len(" · ".join(parts)) > width:
        parts.pop()
    return " · ".join(parts)


def call_line(event: Event, tally: Tally) -> str:
    """What a call took, and the totals with it: for screens without a status line."""
    rows = event["rows"]
    tokens = sum(row["tokens_out"] for row in rows)
    took = words.seconds(sum(row["seconds"] for row in rows))
    so_far = f"{words.count(tally.total_tokens, 'token')}, {words.seconds(tally.spent['seconds'])}"
    return (
        f"{words.author(event['role'])} {words.DOING.get(event['purpose'], 'writes')}: "
        f"{words.count(tokens, 'token')}, {took}; so far {so_far}, {words.money(tally.cost)}"
    )
