"""Rules of ONVIF about imaging: whether settings are among those that there are."""

from __future__ import annotations

from typing import Final

from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.onvif.asking import answer_to, ask, need_permission, service
from relaycore.doctor.onvif.client import Soap
from relaycore.doctor.onvif.demands import need_fault, need_known, need_range, signed, text_of
from relaycore.doctor.onvif.profiles import UNKNOWN, escaped
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["RULES"]

MOST_SOURCES: Final = 4
"""Video sources that are looked at."""

NUMBERS: Final = (
    ("tt:Brightness", "tt:Brightness"),
    ("tt:ColorSaturation", "tt:ColorSaturation"),
    ("tt:Contrast", "tt:Contrast"),
    ("tt:Sharpness", "tt:Sharpness"),
    ("tt:BacklightCompensation/tt:Level", "tt:BacklightCompensation/tt:Level"),
    ("tt:Exposure/tt:ExposureTime", "tt:Exposure/tt:ExposureTime"),
    ("tt:Exposure/tt:Gain", "tt:Exposure/tt:Gain"),
    ("tt:Exposure/tt:Iris", "tt:Exposure/tt:Iris"),
    ("tt:WideDynamicRange/tt:Level", "tt:WideDynamicRange/tt:Level"),
    ("tt:WhiteBalance/tt:CrGain", "tt:WhiteBalance/tt:YrGain"),
    ("tt:WhiteBalance/tt:CbGain", "tt:WhiteBalance/tt:YbGain"),
    ("tt:Focus/tt:DefaultSpeed", "tt:Focus/tt:DefaultSpeed"),
)
"""Where a setting stands, and where its range does in the options (ONVIF's onvif.xsd)."""

MODES: Final = (
    ("tt:BacklightCompensation/tt:Mode", "tt:BacklightCompensation/tt:Mode"),
    ("tt:Exposure/tt:Mode", "tt:Exposure/tt:Mode"),
    ("tt:Focus/tt:AutoFocusMode", "tt:Focus/tt:AutoFocusModes"),
    ("tt:IrCutFilter", "tt:IrCutFilterModes"),
    ("tt:WideDynamicRange/tt:Mode", "tt:WideDynamicRange/tt:Mode"),
    ("tt:WhiteBalance/tt:Mode", "tt:WhiteBalance/tt:Mode"),
)
"""The same of settings that are words, with all those that there are."""


async def settings(visit: Visit) -> None:
    """Who shows a control for each shows where it stands."""
    address, seen = await service(visit, "timg"), 0
    sources = await ask(visit, "<trt:GetVideoSources/>", await service(visit, "trt"))
    for source in sources.all(".//trt:VideoSources")[:MOST_SOURCES]:
        token = f"<timg:VideoSourceToken>{escaped(source.get('token') or '')}</timg:VideoSourceToken>"
        told = await ask(visit, f"<timg:GetImagingSettings>{token}</timg:GetImagingSettings>", address)
        options = await ask(visit, f"<timg:GetOptions>{token}</timg:GetOptions>", address)
        seen += _need_numbers(told, options) + _need_modes(told, options)
    if not seen:
        raise Untried(Message("The device has no settings of imaging."))


async def unknown_source(visit: Visit) -> None:
    """Clients find out so that a camera is gone."""
    question = (
        f"<timg:GetImagingSettings><timg:VideoSourceToken>{UNKNOWN}</timg:VideoSourceToken>"
        "</timg:GetImagingSettings>"
    )
    answer = await answer_to(visit, question, await service(visit, "timg"))
    need_permission(visit, answer)
    need_fault(answer, "NoSource")


def _need_numbers(told: Soap, options: Soap) -> int:
    """How many numbers were in their ranges. Broken where one is not."""
    seen = 0
    for setting, limits in NUMBERS:
        value = told.text(f".//timg:ImagingSettings/{setting}")
        if value is None:
            continue
        found = options.all(f".//timg:ImagingOptions/{limits}")
        name = setting.replace("tt:", "")
        if not found:
            raise Broken(Message("The answer has no {name}.", name=name))
        least, most = (signed(text_of(found[0], f"tt:{end}")) for end in ("Min", "Max"))
        need_range(name, signed(value), least, most)
        seen += 1
    return seen


def _need_modes(told: Soap, options: Soap) -> int:
    """The same of words."""
    seen = 0
    for setting, known in MODES:
        value = told.text(f".//timg:ImagingSettings/{setting}")
        if value is None:
            continue
        words = [(one.text or "").strip() for one in options.all(f".//timg:ImagingOptions/{known}")]
        need_known(setting.replace("tt:", ""), value, words, "GetOptions")
        seen += 1
    return seen


RULES: Final = (
    Rule(
        "onvif-imaging",
        Message("Settings of imaging are among those that the options tell."),
        "ONVIF Imaging §5.1.2, §5.1.4",
        settings,
    ),
    Rule(
        "onvif-imaging-source",
        Message("A video source that is not there is answered by the fault ter:NoSource."),
        "ONVIF Imaging §5.1.2",
        unknown_source,
    ),
)
"""In the order in which they are checked."""
