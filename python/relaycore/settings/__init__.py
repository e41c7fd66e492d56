"""The settings of a relay, of its cameras, paths and users, as types.

The same types serve a program that embeds relaycore and the configuration file. The ``description`` and
``examples`` of a field are what a person is shown when its value is wrong; ``check`` is a function that
raises ConfigurationError for a value which has the right type and no meaning; a ``secret`` value is not
shown.
"""

from relaycore.settings.access import AccessRule, AccessSettings, Action
from relaycore.settings.alerts import (
    AlertSettings,
    AmountRule,
    DarkRule,
    FrozenRule,
    HourRule,
    LostRule,
    MailSettings,
    NetworkRule,
    SharedLinkRule,
    ShedRule,
    SprayingRule,
    ViewerRule,
)
from relaycore.settings.camera import CameraSettings
from relaycore.settings.faults import Faults
from relaycore.settings.ice import IceServer
from relaycore.settings.journeys import JourneySettings
from relaycore.settings.ledger import LedgerSettings, RetentionSettings
from relaycore.settings.masks import MaskSettings
from relaycore.settings.motion import MotionSettings
from relaycore.settings.multicast import MulticastSettings
from relaycore.settings.onvif import OnvifSettings
from relaycore.settings.paths import Hook, PathSettings
from relaycore.settings.protocol import ProtocolSettings
from relaycore.settings.relay import Config
from relaycore.settings.tls import TlsSettings
from relaycore.settings.tokens import TokenSettings
from relaycore.settings.urls import masked
from relaycore.settings.users import Role, RoleName, User, UserName, UserPassword
from relaycore.settings.values import (
    DEFAULT_PATH,
    DEFAULT_PORT,
    BitRate,
    Join,
    Limit,
    PixelRange,
    Size,
    normal_path,
    parse_bitrate,
    parse_size,
)

__all__ = [
    "DEFAULT_PATH",
    "DEFAULT_PORT",
    "AccessRule",
    "AccessSettings",
    "Action",
    "AlertSettings",
    "AmountRule",
    "BitRate",
    "CameraSettings",
    "Config",
    "DarkRule",
    "Faults",
    "FrozenRule",
    "Hook",
    "HourRule",
    "IceServer",
    "Join",
    "JourneySettings",
    "LedgerSettings",
    "Limit",
    "LostRule",
    "MailSettings",
    "MaskSettings",
    "MotionSettings",
    "MulticastSettings",
    "NetworkRule",
    "OnvifSettings",
    "PathSettings",
    "PixelRange",
    "ProtocolSettings",
    "RetentionSettings",
    "Role",
    "RoleName",
    "SharedLinkRule",
    "ShedRule",
    "Size",
    "SprayingRule",
    "TlsSettings",
    "TokenSettings",
    "User",
    "UserName",
    "UserPassword",
    "ViewerRule",
    "masked",
    "normal_path",
    "parse_bitrate",
    "parse_size",
]
