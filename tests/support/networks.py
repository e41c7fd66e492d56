"""Networks that tests have for themselves: two hosts with a cable between them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["RELAY_ADDRESS", "TwoHosts", "two_hosts"]

RELAY_ADDRESS = "192.0.2.1"

_CABLE = """
unshare --net sleep infinity & other=$!
trap 'kill $other' EXIT
while [ "$(readlink /proc/$other/ns/net)" = "$(readlink /proc/$$/ns/net)" ]; do sleep 0.01; done
there="nsenter --target=$other --net --preserve-credentials"
ip link add cable type veth peer name cable netns $other
for side in 1 2; do
    on=; [ $side = 1 ] || on=$there
    $on ip link set lo up
    $on ip link set cable addrgenmode none
    $on ip address add 192.0.2.$side/24 dev cable
    $on ip address add fe80::$side/64 dev cable nodad
    $on ip link set cable up
    $on ip route add 224.0.0.0/4 dev cable
done
echo $other
read ended || true
"""


@dataclass(frozen=True, slots=True)
class TwoHosts:
    """The commands that bring a program into one of the hosts stand in front of the program's own."""

    here: list[str]
    """Host 192.0.2.1."""

    there: list[str]
    """Host 192.0.2.2."""


@contextmanager
def two_hosts() -> Iterator[TwoHosts]:
    """Two hosts without any other network; all is gone with the context."""
    command = ["unshare", "--map-root-user", "--net", "sh", "-ec", _CABLE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            other = holder.stdout.readline().strip()
            assert other, "there are no networks of one's own here"

            def enter(process: int | str) -> list[str]:
                return ["nsenter", f"--target={process}", "--user", "--net", "--preserve-credentials"]

            yield TwoHosts(enter(holder.pid), enter(other))
        finally:
            assert holder.stdin is not None
            holder.stdin.close()
            holder.wait(timeout=10)
