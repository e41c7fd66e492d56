"""How well alerts tell attacks from people: labelled traffic, and what the rules make of it."""

from benchmarks.alerts.score import run

__all__ = ["run"]
