"""Certificates: made, read, and read anew when they change."""

from relaycore.tls.files import TlsFiles
from relaycore.tls.self_signed import self_signed

__all__ = ["TlsFiles", "self_signed"]
