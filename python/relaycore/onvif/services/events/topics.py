"""What is told: the topics, and what stands in their messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lxml import etree

from relaycore.onvif.soap.build import node
from relaycore.onvif.soap.names import OWN_TOPICS, TNS1, qualified

__all__ = [
    "BRUTE_FORCE",
    "CELL_MOTION",
    "ILLEGAL_ACCESS",
    "MOTION_ALARM",
    "SCENE_CHANGE",
    "SIGNAL_LOSS",
    "TOO_DARK",
    "TOPICS",
    "Topic",
    "topic_set",
]

Name = tuple[str, str]
"""A namespace, which is empty for topics below the first, and a local name."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic, which is about a state (a *property* of ONVIF): whoever subscribes is told of it at first.

    ``source`` and ``data`` are the items of its messages, by name, with their types.
    """

    path: tuple[Name, ...]
    source: tuple[tuple[str, str], ...]
    data: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        """As it stands in messages, with the prefixes of answers."""
        prefixes = {TNS1: "tns1:", OWN_TOPICS: "rc:", "": ""}
        return "/".join(prefixes[namespace] + name for namespace, name in self.path)


def _of_source(*names: str) -> Topic:
    """A state of a video source (ONVIF Imaging, events)."""
    path = ((TNS1, "VideoSource"), *(("", name) for name in names))
    return Topic(path, (("Source", "tt:ReferenceToken"),), (("State", "xs:boolean"),))


def _of_alarm(name: str) -> Topic:
    """An alarm of the device. It is a state: Milestone takes nothing else (driver's manual, "Events")."""
    path = ((TNS1, "UserAlarm"), (OWN_TOPICS, name))
    data = (("State", "xs:boolean"), ("Subject", "xs:string"), ("Text", "xs:string"))
    return Topic(path, (), data)


CELL_MOTION: Final = Topic(
    ((TNS1, "RuleEngine"), ("", "CellMotionDetector"), ("", "Motion")),
    (
        ("VideoSourceConfigurationToken", "tt:ReferenceToken"),
        ("VideoAnalyticsConfigurationToken", "tt:ReferenceToken"),
        ("Rule", "xs:string"),
    ),
    (("IsMotion", "xs:boolean"),),
)
"""ONVIF Analytics, annex on the cell motion detector."""

MOTION_ALARM: Final = _of_source("MotionAlarm")
SCENE_CHANGE: Final = _of_source("GlobalSceneChange", "ImagingService")
TOO_DARK: Final = _of_source("ImageTooDark", "ImagingService")
SIGNAL_LOSS: Final = _of_source("SignalLoss")

# ONVIF has no names for these two; its root for alarms that people define takes those of others.
BRUTE_FORCE: Final = _of_alarm("BruteForceAttack")
ILLEGAL_ACCESS: Final = _of_alarm("IllegalAccess")

TOPICS: Final = (
    CELL_MOTION,
    MOTION_ALARM,
    SCENE_CHANGE,
    TOO_DARK,
    SIGNAL_LOSS,
    BRUTE_FORCE,
    ILLEGAL_ACCESS,
)


def topic_set() -> etree._Element:
    """The tree of all topics with what their messages hold (WS-Topics section 7)."""
    root = node("wstop:TopicSet", prefixes=("tns1", "rc", "tt", "xs"))
    for topic in TOPICS:
        place = root
        for namespace, name in topic.path:
            tag = f"{{{namespace}}}{name}" if namespace else name
            found = place.find(tag)
            place = etree.SubElement(place, tag) if found is None else found
        place.set(qualified("wstop:topic"), "true")
        described = node(
            "tt:MessageDescription",
            *(
                node(
                    f"tt:{group}",
                    *(node("tt:SimpleItemDescription", Name=name, Type=kind) for name, kind in items),
                )
                for group, items in (("Source", topic.source), ("Data", topic.data))
                if items
            ),
            IsProperty=True,
        )
        place.append(described)
    return root
