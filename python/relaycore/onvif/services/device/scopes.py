"""Scopes, and whether the device lets itself be found."""

from __future__ import annotations

from typing import Final

from lxml import etree

from relaycore.onvif.soap.build import node, text_of
from relaycore.onvif.soap.faults import Fault, invalid
from relaycore.onvif.soap.names import TDS, local_name
from relaycore.onvif.soap.operations import Call, Operation

__all__ = ["OPERATIONS"]


async def get_scopes(call: Call) -> etree._Element:
    """All scopes."""
    device = call.device
    return node(
        "tds:GetScopesResponse",
        *(_scope("Fixed", scope) for scope in device.fixed_scopes),
        *(_scope("Configurable", scope) for scope in device.scopes_given),
    )


async def set_scopes(call: Call) -> etree._Element:
    """Replaces the scopes that may be changed."""
    await call.relay.devices.set_scopes(call.device, _asked(call, "Scopes"))
    return node("tds:SetScopesResponse")


async def add_scopes(call: Call) -> etree._Element:
    """Adds scopes."""
    await call.relay.devices.set_scopes(call.device, [*call.device.scopes_given, *_asked(call, "ScopeItem")])
    return node("tds:AddScopesResponse")


async def remove_scopes(call: Call) -> etree._Element:
    """Removes scopes that may be changed."""
    device, gone = call.device, _asked(call, "ScopeItem")
    if set(gone) & set(device.fixed_scopes):
        raise Fault("Sender", ["ter:OperationProhibited", "ter:FixedScope"], "A fixed scope stays.")
    if not set(gone) <= set(device.scopes_given):
        raise invalid("NoScope", "There is no such scope.")
    await call.relay.devices.set_scopes(device, [scope for scope in device.scopes_given if scope not in gone])
    return node("tds:RemoveScopesResponse", *(node("tds:ScopeItem", scope) for scope in gone))


async def get_discovery_mode(call: Call) -> etree._Element:
    """Whether it lets itself be found."""
    mode = "Discoverable" if call.device.discoverable else "NonDiscoverable"
    return node("tds:GetDiscoveryModeResponse", node("tds:DiscoveryMode", mode))


async def set_discovery_mode(call: Call) -> etree._Element:
    """Lets itself be found, or not."""
    mode = text_of(call.body, "tds:DiscoveryMode")
    if mode not in ("Discoverable", "NonDiscoverable"):
        raise Fault("Sender", ["ter:InvalidArgVal"], "The mode is Discoverable or NonDiscoverable.")
    await call.relay.devices.set_discoverable(call.device, mode == "Discoverable")
    return node("tds:SetDiscoveryModeResponse")


OPERATIONS: Final = (
    Operation(TDS, "GetScopes", "view", get_scopes),
    Operation(TDS, "SetScopes", "admin", set_scopes),
    Operation(TDS, "AddScopes", "admin", add_scopes),
    Operation(TDS, "RemoveScopes", "admin", remove_scopes),
    Operation(TDS, "GetDiscoveryMode", "view", get_discovery_mode),
    Operation(TDS, "SetDiscoveryMode", "admin", set_discovery_mode),
)


def _scope(kind: str, item: str) -> etree._Element:
    return node("tds:Scopes", node("tt:ScopeDef", kind), node("tt:ScopeItem", item))


def _asked(call: Call, name: str) -> list[str]:
    return [(one.text or "").strip() for one in call.body if local_name(str(one.tag)) == name]
