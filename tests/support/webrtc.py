"""Offers of browsers (SDP) for WebRTC, whose keys nobody has."""

from __future__ import annotations

__all__ = ["PUBLISH", "WATCH"]

FINGERPRINT = ":".join(["AB"] * 32)

OFFER = "\r\n".join(
    [
        "v=0",
        "o=- 1 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0",
        "m=video 9 UDP/TLS/RTP/SAVPF 102",
        "c=IN IP4 0.0.0.0",
        "a=ice-ufrag:wxyz",
        "a=ice-pwd:0123456789012345678901",
        f"a=fingerprint:sha-256 {FINGERPRINT}",
        "a=setup:actpass",
        "a=mid:0",
        "a=DIRECTION",
        "a=rtcp-mux",
        "a=rtpmap:102 H264/90000",
        "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
        "",
    ]
)

WATCH = OFFER.replace("DIRECTION", "recvonly")
"""Of one who watches."""

PUBLISH = OFFER.replace("DIRECTION", "sendonly")
"""Of one who publishes."""
