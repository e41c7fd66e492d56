"""The limit of descriptors of the process, which shells set low."""

import resource
import subprocess
import sys

import pytest

from relaycore.system.descriptors import raise_descriptor_limit

PROGRAM = """
import resource
from relaycore.system.descriptors import raise_descriptor_limit

_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
print(raise_descriptor_limit(), raise_descriptor_limit(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def test_the_limit_is_raised_as_far_as_it_may() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(hard)] * 4


@pytest.mark.parametrize(("highest", "limit"), [(10_240, 10_240), (256, 256)])
def test_no_limit_means_as_many_as_the_system_really_gives(
    monkeypatch: pytest.MonkeyPatch, highest: int, limit: int
) -> None:
    """As on macOS, where the hard limit is infinite and cannot be had."""
    current = 256

    def change(_: int, wanted: tuple[int, int]) -> None:
        nonlocal current
        if wanted[0] == resource.RLIM_INFINITY or wanted[0] > highest:
            raise ValueError("current limit exceeds maximum limit")
        current = wanted[0]

    monkeypatch.setattr(resource, "getrlimit", lambda _: (current, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", change)
    assert raise_descriptor_limit() == limit
    assert current == limit
