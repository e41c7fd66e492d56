"""What happens in the pictures of a camera: motion, another scene, darkness.

Everything is found in the brightness of five pictures a second at 80x45 points, in the thread that captures
them, after the privacy masks were drawn. It needs nothing else of ONVIF: see
:class:`relaycore.events.MotionChanged` and its neighbours, and :meth:`relaycore.Relay.watching`.
"""
