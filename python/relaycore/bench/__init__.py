"""The load test of any RTSP server: what a profile asks for, what a run found, and how both are shown.

::

    wishes ── profiles ── plan ──► LoadRun (threads in Rust) ──► report ── quality ── result
                                        │  snapshots                          │
                             process, of the server under test     summary, html, compare

Sources, readers and all that is counted for them are in ``rust/relaycore-load``; the server under test, the
search for the largest count and the pages are here.
"""
