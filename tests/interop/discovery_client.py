"""Looks for devices with the library WSDiscovery, and prints as JSON what it finds.

With `watch` it prints who comes and goes, until its input ends.
"""

from __future__ import annotations

import json
import sys

from wsdiscovery.discovery import ThreadedWSDiscovery
from wsdiscovery.qname import QName
from wsdiscovery.scope import Scope
from wsdiscovery.service import Service

TYPES = {
    "nvt": QName("http://www.onvif.org/ver10/network/wsdl", "NetworkVideoTransmitter", "dn"),
    "device": QName("http://www.onvif.org/ver10/device/wsdl", "Device", "tds"),
}


def say(*words: str) -> None:
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


def seen(service: Service) -> dict[str, object]:
    return {
        "urn": service.getEPR(),
        "xaddrs": service.getXAddrs(),
        "scopes": [scope.getValue() for scope in service.getScopes()],
        "types": [[found.getNamespace(), found.getLocalname()] for found in service.getTypes()],
    }


def main(what: str, wanted: int, *scopes: str) -> None:
    discovery = ThreadedWSDiscovery()
    if what == "watch":
        discovery.setRemoteServiceHelloCallback(lambda service: say("hello", service.getEPR()))
        discovery.setRemoteServiceByeCallback(lambda urn: say("bye", urn))
        discovery.start()
        say("watching")
        sys.stdin.read()
    else:
        discovery.start()
        found: dict[str, Service] = {}
        kinds = [TYPES[what]] if what in TYPES else None
        # Until all have answered, or until that takes too long.
        for _ in range(10):
            for service in discovery.searchServices(
                types=kinds, scopes=[Scope(scope) for scope in scopes] or None, timeout=3 if wanted > 1 else 1
            ):
                found[service.getEPR()] = service
            if len(found) >= wanted:
                break
        say(json.dumps([seen(service) for service in found.values()]))
    discovery.stop()


main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
