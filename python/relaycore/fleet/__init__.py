"""Many cameras from few encodes, to find out how a recorder does with them."""

from relaycore.fleet.fleet import MOST_CAMERAS, Fleet, scenes

__all__ = ["MOST_CAMERAS", "Fleet", "scenes"]
