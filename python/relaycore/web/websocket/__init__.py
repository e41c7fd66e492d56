"""Fragments of MP4 over WebSockets, for Media Source Extensions."""
