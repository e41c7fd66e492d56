"""The same load against other servers that are installed, beside relaycore, in one run.

Each file of ``peers`` says how one of them is started; :mod:`benchmarks.peer` says what stands in it.
"""
