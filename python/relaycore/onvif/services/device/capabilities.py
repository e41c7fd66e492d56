"""What the device can do, as GetServiceCapabilities and GetCapabilities say it."""

from __future__ import annotations

from lxml import etree

from relaycore.onvif.media.elements import most_profiles
from relaycore.onvif.soap.build import node
from relaycore.onvif.soap.operations import Call

__all__ = ["capabilities", "legacy_device", "legacy_media"]


def capabilities(call: Call) -> etree._Element:
    """The capabilities of the device service (ONVIF Core section 8.1.2)."""
    security = node(
        "tds:Security",
        OnboardKeyGeneration=False,
        AccessPolicyConfig=False,
        DefaultAccessPolicy=False,
        Dot1X=False,
        RemoteUserHandling=False,
        SAMLToken=False,
        KerberosToken=False,
        UsernameToken=True,
        HttpDigest=True,
        RELToken=False,
    )
    tls = call.relay.certificate is not None
    for version, is_there in (("1.0", False), ("1.1", False), ("1.2", tls)):
        security.set(f"TLS{version}", "true" if is_there else "false")
    security.set("X.509Token", "false")
    return node(
        "tds:Capabilities",
        node(
            "tds:Network",
            IPFilter=False,
            ZeroConfiguration=False,
            IPVersion6=":" in call.listens_on,
            DynDNS=False,
            Dot11Configuration=False,
            HostnameFromDHCP=False,
            NTP=0,
        ),
        security,
        node(
            "tds:System",
            DiscoveryResolve=True,
            DiscoveryBye=True,
            RemoteDiscovery=False,
            SystemBackup=False,
            SystemLogging=False,
            FirmwareUpgrade=False,
            HttpFirmwareUpgrade=False,
            HttpSystemBackup=False,
            HttpSystemLogging=False,
            HttpSupportInformation=False,
        ),
    )


def legacy_device(call: Call) -> etree._Element:
    """The part about the device in the answer of GetCapabilities."""
    no = False
    return node(
        "tt:Device",
        node("tt:XAddr", call.address("device_service")),
        node(
            "tt:Network",
            node("tt:IPFilter", no),
            node("tt:ZeroConfiguration", no),
            node("tt:IPVersion6", ":" in call.listens_on),
            node("tt:DynDNS", no),
        ),
        node(
            "tt:System",
            node("tt:DiscoveryResolve", True),
            node("tt:DiscoveryBye", True),
            node("tt:RemoteDiscovery", no),
            node("tt:SystemBackup", no),
            node("tt:SystemLogging", no),
            node("tt:FirmwareUpgrade", no),
            node("tt:SupportedVersions", node("tt:Major", 24), node("tt:Minor", 12)),
        ),
        node("tt:IO", node("tt:InputConnectors", 0), node("tt:RelayOutputs", 0)),
        node(
            "tt:Security",
            node("tt:TLS1.1", no),
            node("tt:TLS1.2", call.relay.certificate is not None),
            node("tt:OnboardKeyGeneration", no),
            node("tt:AccessPolicyConfig", no),
            node("tt:X.509Token", no),
            node("tt:SAMLToken", no),
            node("tt:KerberosToken", no),
            node("tt:RELToken", no),
        ),
    )


def legacy_media(call: Call) -> etree._Element:
    """The part about media in the answer of GetCapabilities."""
    return node(
        "tt:Media",
        node("tt:XAddr", call.address("media_service")),
        node(
            "tt:StreamingCapabilities",
            node("tt:RTPMulticast", True),
            node("tt:RTP_TCP", True),
            node("tt:RTP_RTSP_TCP", True),
        ),
        node(
            "tt:Extension",
            node(
                "tt:ProfileCapabilities",
                node("tt:MaximumNumberOfProfiles", most_profiles(call)),
            ),
        ),
    )
