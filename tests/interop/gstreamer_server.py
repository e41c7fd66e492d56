"""GStreamer's RTSP server as a camera that wants a password; test_pull.py runs it with Debian's Python.

Arguments: a Matroska file of H.264 and AAC, which it serves at ``/far`` as if it were live, the port of
127.0.0.1 to listen on, then ``digest`` or ``basic``, user and password. It prints the port, which is chosen
when it was 0.
"""

from __future__ import annotations

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402 (the versions come first)

ROLE = "reader"

PIPELINE = (
    "( filesrc location={source} ! matroskademux name=source "
    "source. ! queue ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 "
    "source. ! queue ! aacparse ! rtpmp4gpay name=pay1 pt=97 )"
)


def main(source: str, port: str, method: str, user: str, password: str) -> None:
    """Serve until killed."""
    Gst.init(None)
    server = GstRtspServer.RTSPServer(address="127.0.0.1", service=port)
    token = GstRtspServer.RTSPToken()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, ROLE)
    auth = GstRtspServer.RTSPAuth()
    if method == "digest":
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(user, password, token)
    else:
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    for permission in ("media.factory.access", "media.factory.construct"):
        permissions.add_permission_for_role(ROLE, permission, True)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(PIPELINE.format(source=source))
    factory.set_shared(True)
    factory.set_permissions(permissions)
    server.get_mount_points().add_factory("/far", factory)
    server.attach(None)
    print(server.get_bound_port(), flush=True)  # noqa: T201 (how the test knows it)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(*sys.argv[1:])
