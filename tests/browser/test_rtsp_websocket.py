"""RTSP in the WebSocket of a browser: a script of a page plays it, on pages of the relay and on no others."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page

from tests.browser.stand_in import stand_in
from tests.support.server import Server

PLAY = """
async ([address, url, packets]) => {
    const socket = new WebSocket(address, "rtsp.onvif.org");
    socket.binaryType = "arraybuffer";
    const arrived = [];
    let wake = () => {};
    const closed = new Promise((resolve) => socket.addEventListener("close", (event) => resolve(event.code)));
    socket.addEventListener("message", ({ data }) => {
        arrived.push(data);
        wake();
    });
    await new Promise((resolve, reject) => {
        socket.addEventListener("open", resolve);
        socket.addEventListener("error", () => reject(new Error("the WebSocket was not opened")));
    });
    const next = async () => {
        while (arrived.length === 0) await new Promise((resolve) => { wake = resolve; });
        return new Uint8Array(arrived.shift());
    };
    const seen = { protocol: socket.protocol, statuses: [], channels: {} };
    // What is in a message is whole: frames behind `$`, or an answer.
    const take = (bytes) => {
        if (bytes[0] !== 0x24) return new TextDecoder().decode(bytes);
        for (let at = 0; at < bytes.length;) {
            if (bytes[at] !== 0x24) throw new Error(`no frame at ${at}`);
            seen.channels[bytes[at + 1]] = (seen.channels[bytes[at + 1]] ?? 0) + 1;
            at += 4 + bytes[at + 2] * 256 + bytes[at + 3];
            if (at > bytes.length) throw new Error("a frame is cut");
        }
        return null;
    };
    let number = 0;
    const ask = async (method, target, headers = "") => {
        number += 1;
        const text = `${method} ${target} RTSP/1.0\\r\\nCSeq: ${number}\\r\\n${headers}\\r\\n`;
        socket.send(new TextEncoder().encode(text));
        let answer = null;
        while (answer === null) answer = take(await next());
        seen.statuses.push(Number(answer.split(" ")[1]));
        return answer;
    };
    await ask("OPTIONS", url);
    const described = await ask("DESCRIBE", url);
    if (seen.statuses.at(-1) === 200) {
        const control = /a=control:(\\S+)\\r\\n(?:.*\\r\\n)*?$/.exec(described.split("m=video")[1])[1];
        const transport = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\\r\\n";
        const track = control.includes("://") ? control : `${url}/${control}`;
        const answer = await ask("SETUP", track, transport);
        const session = /Session: ([^;\\r]+)/.exec(answer)[1];
        await ask("PLAY", url, `Session: ${session}\\r\\n`);
        while ((seen.channels[0] ?? 0) < packets) take(await next());
        await ask("TEARDOWN", url, `Session: ${session}\\r\\n`);
    }
    socket.close(1000);
    seen.code = await closed;
    return seen;
}
"""
"""Plays until so many packets of RTP have come."""


def play(page: Page, site: str) -> dict[str, Any]:
    """What the script has seen."""
    host = urlsplit(site).netloc
    seen: dict[str, Any] = page.evaluate(PLAY, [f"ws://{host}/rtsp", f"rtsp://{host}/cam", 100])
    return seen


def test_a_script_plays_what_the_sub_protocol_brings(page: Page, site: str) -> None:
    page.goto(f"{site}/cam")
    seen = play(page, site)
    assert seen["protocol"] == "rtsp.onvif.org"
    assert seen["statuses"] == [200] * 5
    assert seen["channels"]["0"] >= 100
    assert seen["channels"]["1"] >= 1
    assert seen["code"] == 1000


def test_a_page_of_another_site_reads_nothing(page: Page, relay: Server, site: str) -> None:
    with stand_in(site, relay.url) as other:
        other.pages["/elsewhere"] = "<!doctype html><title>elsewhere</title>"
        page.goto(f"{other.site}/elsewhere")
        seen = play(page, site)
    assert seen["statuses"] == [200, 403]
    assert seen["channels"] == {}
