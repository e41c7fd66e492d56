"""Durations of XML Schema as messages of ONVIF have them."""

from __future__ import annotations

import pytest

from relaycore.onvif.soap.durations import seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT60S", 60), ("PT1.5S", 1.5), ("P1DT2H3M4S", 93_784), ("PT0S", 0), ("P", None), ("PT", None)],
)
@pytest.mark.parametrize("with_calendar", [True, False])
def test_seconds_of_a_duration(text: str, seconds: float | None, with_calendar: bool) -> None:
    assert seconds_of(text, with_calendar=with_calendar) == seconds


@pytest.mark.parametrize(("text", "days"), [("P1Y", 365), ("P2M", 60), ("P0Y0M1D", 1)])
def test_years_and_months_are_told_apart(text: str, days: int) -> None:
    assert seconds_of(text) == days * 86_400
    assert seconds_of(text, with_calendar=False) is None
