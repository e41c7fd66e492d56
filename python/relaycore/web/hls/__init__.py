"""HTTP Live Streaming with low latency (draft-ietf-hls-rfc8216bis), from memory.

:mod:`~relaycore.web.hls.timeline` turns fragments of a stream into parts, segments and playlists, without
any input or output; the rest brings the fragments and answers requests.
"""
