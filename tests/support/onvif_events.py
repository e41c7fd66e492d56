"""Subscriptions of ONVIF for tests: filters as requests have them, and a hub with cameras."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lxml import etree

from relaycore import Relay
from relaycore.onvif.services.events.filters import Filter, read_filter
from relaycore.onvif.services.events.hub import Hub
from relaycore.onvif.services.events.messages import Message
from relaycore.onvif.services.events.topics import ILLEGAL_ACCESS
from relaycore.onvif.soap.names import WSNT
from relaycore.settings import CameraSettings

__all__ = ["CAMERA", "CONCRETE_SET", "alarm", "cameras", "everything", "filter_of", "hub_of"]

TIMEOUT = 30.0
"""Seconds for what takes one or two; only a hang takes that long."""

CONCRETE_SET = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
MOVING = (
    "color=gray:size=320x180:rate=25[a];color=white:size=40x40:rate=25[b];"
    "[a][b]overlay=x='mod(t*60,280)':y=60"
)
CAMERA = CameraSettings(camera=f"lavfi:{MOVING}", encoder="libx264", microphone="none")
"""One that sees something move all the time."""


def filter_of(text: str, dialect: str | None = CONCRETE_SET, prefixes: str = "") -> Filter:
    """The filter of a request with one expression."""
    named = "" if dialect is None else f' Dialect="{dialect}"'
    declared = prefixes or 'xmlns:tns1="http://www.onvif.org/ver10/topics"'
    expression = f"<w:TopicExpression {declared}{named}>{text}</w:TopicExpression>"
    return read_filter(etree.fromstring(f'<f xmlns:w="{WSNT}">{expression}</f>'))


@asynccontextmanager
async def hub_of(*paths: str) -> AsyncIterator[tuple[Relay, Hub]]:
    """A relay with cameras at these paths, and a hub of its own."""
    async with Relay(port=0) as relay, asyncio.timeout(TIMEOUT):
        for path in paths:
            await relay.add_camera(path, CAMERA)
        found = Hub(relay)
        try:
            yield relay, found
        finally:
            await found.close()


def alarm(subject: str, text: str) -> Message:
    """What is told of somebody who came in where nobody of that name should."""
    return Message(ILLEGAL_ACCESS, "", (), ("true", subject, text), "Changed")


def everything(path: str) -> bool:
    """What somebody may see who may see all."""
    return True


def cameras(path: str) -> bool:
    """What somebody may see who may see all cameras, and nothing else of the relay."""
    return path != ""
