"""``relaycore doctor``: asks a camera or server what the rules of RTSP demand, and shows what it answers.

A rule is one small function of :mod:`relaycore.doctor.rules`. It speaks to the server through a
:class:`relaycore.doctor.visit.Visit`, which keeps what was said, and raises ``Broken`` or ``Untried``.
Nothing here shares code with relaycore's own server, so that it can judge that as well.
"""
