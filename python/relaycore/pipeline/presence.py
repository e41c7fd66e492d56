"""Whether a camera delivers: lost and found again, told to who listens and to readers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from relaycore._relaycore import now_ns
from relaycore.onvif.analysis.watch import PictureWatch
from relaycore.pipeline.reports import EventKind, PipelineEvent, State

__all__ = ["Presence"]

SILENCE_NS: Final = 2_000_000_000
"""A source that gives no picture for so long is shown as lost, though its driver does not say so."""


class Presence:
    """The state of one pipeline. Its methods are called from threads of the pipeline.

    ``on_event`` is called by one thread at a time. ``watch`` is told when there are no pictures any more, and
    ``stopping`` is set when the pipeline fails.
    """

    def __init__(
        self,
        on_event: Callable[[PipelineEvent], None],
        watch: PictureWatch | None,
        stopping: threading.Event,
    ) -> None:
        self._on_event = on_event
        self._watch = watch
        self._stopping = stopping
        self._event_lock = threading.Lock()
        self._name: str | None = None
        self._last_picture: Callable[[], int] | None = None
        self._lost_since: str | None = None
        self._silent = False
        self.state: State = "starting"

    @property
    def is_lost(self) -> bool:
        """Whether there is no picture now, which is told to readers."""
        return self._lost_since is not None

    def run(self, name: str, last_picture: Callable[[], int]) -> None:
        """The source of this name delivers; ``last_picture`` gives when it last did, in ns."""
        self._name, self._last_picture = name, last_picture
        self.state = "running"

    def stop(self) -> None:
        """The pipeline has ended."""
        if self._watch is not None:
            self._watch.end()
        if self.state != "failed":
            self.state = "stopped"

    def tell(self, kind: EventKind, message: str) -> None:
        """Tells whoever listens."""
        with self._event_lock:
            self._on_event(PipelineEvent(kind, message))

    def notice(self, message: str) -> None:
        """Tells what a person should know."""
        self.tell("notice", message)

    # What readers see

    def lost_text(self) -> str | None:
        """What readers of any rendition are shown in place of the picture."""
        since_then, name = self._lost_since, self._name
        return None if since_then is None or name is None else f"{name}: no picture since {since_then}"

    def slate(self) -> str | None:
        """As :meth:`lost_text`, after a look at the time. Called by the encode thread."""
        name, last_picture = self._name, self._last_picture
        if name is None or last_picture is None:
            return None
        silent = now_ns() - last_picture()
        if self._lost_since is None and silent >= SILENCE_NS:
            self._silent = True
            since = time.strftime("%H:%M:%S", time.localtime(time.time() - silent / 1e9))
            self._lost(since, f"{name} gives no pictures any more, though it is there.")
        return self.lost_text()

    # What happens

    def resumed(self) -> None:
        """A picture came after a slate."""
        if self._silent:
            self._silent = False
            self.source_changed(None)

    def source_changed(self, reason: str | None) -> None:
        """The source is gone, for a reason, or delivers again."""
        if reason is None:
            self._lost_since, self.state = None, "running"
            self.tell("back", "The camera delivers again.")
        else:
            self._lost(time.strftime("%H:%M:%S"), reason)

    def failed(self, reason: str) -> None:
        """It ends for a reason that waiting does not cure."""
        self.state = "failed"
        self._stopping.set()
        self.tell("failed", reason)

    def _lost(self, since: str, reason: str) -> None:
        self._lost_since, self.state = since, "lost"
        if self._watch is not None:
            self._watch.end()
        self.tell("lost", reason)
