"""Sockets that several programs of a machine have on one port."""

from __future__ import annotations

import socket
import sys

__all__ = ["share_port"]


def share_port(of: socket.socket) -> None:
    """Lets other programs hear the groups on the same port; before the socket is bound.

    macOS wants another option for that than all others, where that one shares datagrams out among the sockets
    (socket(7) of Linux, setsockopt(2) of macOS).
    """
    of.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if sys.platform == "darwin":
        of.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
