"""What is shown while a load test runs: a bar and the current figures, or a line now and then."""

from __future__ import annotations

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from relaycore.bench.figures import number
from relaycore.bench.plan import Plan
from relaycore.bench.report import Second, Snapshot
from relaycore.bench.server import Sample
from relaycore.control.console import legible, say
from relaycore.language import _

__all__ = ["LINE_S", "Progress"]

LINE_S = 5.0
"""Seconds between two lines where standard output is no terminal."""

BAR_WIDTH = 40


class Progress:
    """Shows one run after the other. A context manager.

    In a terminal it is written over and gone at the end; elsewhere it prints lines.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True, redirect_stderr=False)
        self._title, self._readers, self._warm_up_ms = "", 0, 0
        self._last: Sample | None = None
        self._used: str = ""
        self._said_at = -LINE_S * 1000

    def __enter__(self) -> Progress:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def begin(self, title: str, plan: Plan) -> None:
        """The next run begins."""
        self._title, self._readers, self._warm_up_ms = title, plan.readers, plan.warm_up_ms
        self._last, self._used, self._said_at = None, "", -LINE_S * 1000

    def show(self, snapshot: Snapshot, sample: Sample | None) -> None:
        """Shows where the run is."""
        self._look(sample)
        if self._console.is_terminal:
            self._live.update(self._picture(snapshot, sample), refresh=True)
        elif snapshot.elapsed_ms - self._said_at >= LINE_S * 1000 or snapshot.finished:
            self._said_at = snapshot.elapsed_ms
            parts = [_elapsed(snapshot)]
            parts += [f"{name} {value}" for name, value in self._rows(snapshot, sample)]
            say(self._console, " · ".join(parts))

    def pause(self, text: str) -> None:
        """Says what happens between two runs."""
        if self._console.is_terminal:
            self._live.update(self._text(text, "dim"), refresh=True)
        else:
            say(self._console, text)

    def keep(self, text: str) -> None:
        """Prints a line that stays, above what is written over."""
        say(self._console, text)

    def _look(self, sample: Sample | None) -> None:
        """Processors used, from two samples."""
        if sample is None or (self._last is not None and sample.t <= self._last.t):
            return
        if self._last is not None:
            cores = (sample.cpu_seconds - self._last.cpu_seconds) / (sample.t - self._last.t)
            self._used = _(
                "{share} % of a processor, {memory} MiB",
                share=f"{100 * cores:.0f}",
                memory=f"{sample.resident_bytes / 2**20:.0f}",
            )
        self._last = sample

    def _rows(self, snapshot: Snapshot, sample: Sample | None) -> list[tuple[str, str]]:
        second = snapshot.last_second
        rows = [
            (_("playing"), _("{part} of {whole}", part=f"{snapshot.playing:,}", whole=f"{self._readers:,}")),
            (_("received"), f"{number(second.bytes * 8 / 1e6)} Mbit/s"),
            (_("latency"), _latency(second)),
            (_("lost"), f"{snapshot.lost:,}"),
            (_("failed"), f"{snapshot.failed:,}"),
        ]
        if snapshot.publishing:
            rows.insert(0, (_("publishing"), f"{snapshot.publishing:,}"))
        if sample is not None and self._used:
            rows.append((_("server"), self._used))
        return rows

    def _picture(self, snapshot: Snapshot, sample: Sample | None) -> Group:
        phase = _("measuring")
        if snapshot.elapsed_ms < self._warm_up_ms:
            phase = _("warming up") if snapshot.elapsed_ms else _("publishing")
        head = Table.grid(padding=(0, 1))
        head.add_row(
            self._text(self._title, "bold"),
            ProgressBar(total=max(1, snapshot.total_ms), completed=snapshot.elapsed_ms, width=BAR_WIDTH),
            self._text(f"{_elapsed(snapshot)}, {phase}"),
        )
        table = Table.grid(padding=(0, 2))
        for name, value in self._rows(snapshot, sample):
            table.add_row(self._text(name, "dim"), self._text(value))
        return Group(head, table)

    def _text(self, text: str, style: str = "") -> Text:
        return Text(legible(text, self._console.encoding), style=style, no_wrap=True, overflow="ellipsis")


def _elapsed(snapshot: Snapshot) -> str:
    return _(
        "{part} of {whole} s",
        part=f"{snapshot.elapsed_ms / 1000:.0f}",
        whole=f"{snapshot.total_ms / 1000:.0f}",
    )


def _latency(second: Second) -> str:
    """Of the last second; in the warm-up nothing is timed."""
    if second.max_ms <= 0:
        return "-"
    return f"p50 {number(second.p50_ms)}, p99 {number(second.p99_ms)} ms"
