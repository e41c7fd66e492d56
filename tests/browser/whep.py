"""A WHEP server inside the page: the other end of the player's WebRTC, to be lied to and broken at will."""

from __future__ import annotations

from typing import Final

__all__ = ["WHEP"]

WHEP: Final = """
window.whep = { status: 201, asked: [], end: null };
const realFetch = window.fetch;
window.fetch = async (url, options) => {
    if (!new URL(url, location).pathname.includes("/whep")) return realFetch(url, options);
    whep.asked.push(options.method);
    if (options.method === "DELETE") return new Response(null, { status: 204 });
    if (whep.status !== 201) return new Response("", { status: whep.status });
    const end = whep.end = new RTCPeerConnection();
    const canvas = document.createElement("canvas");
    canvas.width = 320;
    canvas.height = 180;
    const context = canvas.getContext("2d");
    let number = 0;
    setInterval(() => {
        context.fillStyle = number++ % 2 ? "#2030c0" : "#2030d0";
        context.fillRect(0, 0, 320, 180);
    }, 33);
    if (whep.sendsVideo ?? true) end.addTrack(canvas.captureStream(30).getTracks()[0]);
    await end.setRemoteDescription({ type: "offer", sdp: options.body });
    await end.setLocalDescription(await end.createAnswer());
    await new Promise((done) => {
        end.onicegatheringstatechange = () => end.iceGatheringState === "complete" && done();
        if (end.iceGatheringState === "complete") done();
    });
    const headers = { "Content-Type": "application/sdp", Location: `${new URL(url, location).pathname}/1` };
    return new Response(end.localDescription.sdp, { status: 201, headers });
};
"""
"""A script for the start of a page. ``whep.status`` and ``whep.sendsVideo`` say what it answers."""
