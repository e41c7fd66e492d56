"""How fast relaycore is and what it costs: ``make bench``, or ``python -m benchmarks [NAME...]``.

Each benchmark is a module with a function ``run`` that gives a :class:`benchmarks.result.Result`. What is
measured runs in a process of its own, started as a person starts it. The results of the last run are kept in
``benchmarks/results``.
"""
