"""Reads the strip of the test pattern in the page itself, in the moment in which a picture is shown."""

from __future__ import annotations

from typing import Final

__all__ = ["FIRST_PICTURE", "WATCH"]

_READ_STRIP: Final = """
const BLOCKS = 96;

function readStrip(element, canvas) {
    const width = element.videoWidth || element.width;
    const height = element.videoHeight || element.height;
    const rows = Math.max(8, Math.floor(height / 14)) & ~1;
    const block = Math.floor(width / BLOCKS);
    if (block === 0) return null;
    canvas.width = width;
    canvas.height = 1;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    // One row out of the middle of the strip is enough: all of them are the same.
    context.drawImage(element, 0, rows >> 1, width, 1, 0, 0, width, 1);
    const pixels = context.getImageData(0, 0, width, 1).data;
    const levels = [];
    for (let at = 0; at < BLOCKS; at++) levels.push(pixels[4 * (at * block + (block >> 1)) + 1]);
    const middle = (Math.max(...levels) + Math.min(...levels)) / 2;
    const bytes = [];
    for (let at = 0; at < BLOCKS; at += 8) {
        bytes.push(levels.slice(at, at + 8).reduce((byte, level) => byte * 2 + (level > middle ? 1 : 0), 0));
    }
    let check = 0xffff;
    for (const byte of bytes.slice(0, 10)) {
        check ^= byte << 8;
        for (let bit = 0; bit < 8; bit++) check = ((check << 1) ^ (check & 0x8000 ? 0x1021 : 0)) & 0xffff;
    }
    if (check !== bytes[10] * 256 + bytes[11]) return null;
    const value = (from, to) => bytes.slice(from, to).reduce((sum, byte) => sum * 256 + byte, 0);
    return { counter: value(0, 4), taken: value(4, 10) };
}

function onEachPicture(element, act) {
    if (element.localName === "canvas") {
        element.addEventListener("picture", () => act());
        return;
    }
    const again = () => {
        act();
        element.requestVideoFrameCallback(again);
    };
    element.requestVideoFrameCallback(again);
}
"""

WATCH: Final = f"""async ([player, count, skip]) => {{
{_READ_STRIP}
    const find = () => player.shadowRoot.querySelector(".stage > :is(video, canvas):not(.coming, .last)");
    const plays = () => new Promise((done) => player.addEventListener("playing", done, {{ once: true }}));
    while (find() === null) await plays();
    const element = find();
    const canvas = document.createElement("canvas");
    return new Promise((done) => {{
        const seen = [];
        let left = skip;
        onEachPicture(element, () => {{
            const now = performance.timeOrigin + performance.now();
            const found = readStrip(element, canvas);
            if (found === null || left-- > 0 || seen.length === count) return;
            seen.push([found.counter, now - found.taken]);
            if (seen.length === count) done(seen);
        }});
    }});
}}"""
"""Of an element that plays: number and age in ms of each of ``count`` pictures, after ``skip`` others."""

FIRST_PICTURE: Final = """() => new Promise((done) => {
    customElements.whenDefined("relaycore-player").then(() => {
        const player = document.querySelector("relaycore-player");
        const told = () => done(performance.now());
        if (player.transport !== null) told();
        else player.addEventListener("playing", told, { once: true });
    });
})"""
"""Milliseconds from the beginning of the navigation until the player has its first picture."""
