"""Watching and publishing by WebRTC: WHEP (draft-ietf-wish-whep) and WHIP (RFC 9725)."""
