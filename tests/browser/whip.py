"""A WHIP server inside the page: the other end of the camera page, to refuse and to be lost at will."""

from __future__ import annotations

from typing import Final

__all__ = ["WHIP"]

WHIP: Final = """
window.whip = { status: 201, asked: [], offers: [], end: null, tracks: [] };
const realFetch = window.fetch;
window.fetch = async (url, options) => {
    if (!new URL(url, location).pathname.includes("/whip")) return realFetch(url, options);
    whip.asked.push(options.method);
    if (options.method === "DELETE") return new Response(null, { status: 200 });
    if (whip.status === 0) throw new TypeError("Failed to fetch");
    if (whip.status !== 201) return Response.json({ error: "Refused by the test." }, { status: whip.status });
    whip.offers.push(options.body);
    const end = whip.end = new RTCPeerConnection();
    end.ontrack = ({ track }) => whip.tracks.push(track);
    await end.setRemoteDescription({ type: "offer", sdp: options.body });
    await end.setLocalDescription(await end.createAnswer());
    await new Promise((done) => {
        end.onicegatheringstatechange = () => end.iceGatheringState === "complete" && done();
        if (end.iceGatheringState === "complete") done();
    });
    const headers = { "Content-Type": "application/sdp", Location: `${new URL(url, location).pathname}/1` };
    return new Response(end.localDescription.sdp, { status: 201, headers });
};
whip.received = async () => {
    for (const entry of (await whip.end.getStats()).values()) {
        if (entry.type === "inbound-rtp" && entry.kind === "video") return entry.framesReceived;
    }
    return 0;
};
"""
"""A script for the start of a page. ``whip.status`` says what it answers; 0 is no answer at all."""
