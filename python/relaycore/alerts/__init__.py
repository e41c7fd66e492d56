"""Alerts: what is odd about who watches, and about cameras, told to people.

::

    Alerts           what a relay has: takes what happens in it, and gives alerts to the sinks
    ├── Watch        the rules and their rate limits; the same for a running relay and for a ledger of one
    │   ├── spraying, networks, shared_link, habits, viewers, shed    by records of the ledger
    │   └── pictures, lost                                            by what cameras do
    ├── sinks        log, webhooks, mail: each with a queue of its own, so that none delays anything
    └── replay       what would have been told of a ledger

Rules have no clock: each thing that happens has its time, and they are told what time it is. What they
remember is bounded, whatever strangers send.
"""
