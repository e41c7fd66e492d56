//! `Transport` (RFC 2326 section 12.39): how the packets of a track travel.
//!
//! ```text
//! Transport: RTP/AVP;unicast;client_port=5000-5001,RTP/AVP/TCP;unicast;interleaved=0-1
//!            └ profile       └ parameters         └ second choice
//! ```

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// RTP profile and lower transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Profile {
    /// RTP over UDP (RFC 3551): `RTP/AVP` or `RTP/AVP/UDP`.
    RtpAvpUdp,
    /// RTP interleaved on the connection: `RTP/AVP/TCP`.
    RtpAvpTcp,
    /// RTP with early feedback (RFC 4585) over UDP: `RTP/AVPF`.
    RtpAvpfUdp,
    /// RTP with early feedback, interleaved: `RTP/AVPF/TCP`.
    RtpAvpfTcp,
    /// Encrypted RTP (RFC 3711) over UDP: `RTP/SAVP`.
    RtpSavpUdp,
    /// Encrypted RTP, interleaved: `RTP/SAVP/TCP`.
    RtpSavpTcp,
    /// Encrypted RTP with early feedback (RFC 5124) over UDP: `RTP/SAVPF`.
    RtpSavpfUdp,
    /// Encrypted RTP with early feedback, interleaved: `RTP/SAVPF/TCP`.
    RtpSavpfTcp,
    /// Anything else, as it came.
    Other(String),
}

impl Profile {
    /// Reads the first part of a transport, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let known = PROFILES
            .iter()
            .find(|(_, name)| name.eq_ignore_ascii_case(text));
        known.map_or_else(
            || Self::Other(String::from(text)),
            |(profile, _)| profile.clone(),
        )
    }

    /// Whether packets travel on the RTSP connection.
    #[must_use]
    pub fn is_interleaved(&self) -> bool {
        use Profile::{RtpAvpTcp, RtpAvpfTcp, RtpSavpTcp, RtpSavpfTcp};
        matches!(self, RtpAvpTcp | RtpAvpfTcp | RtpSavpTcp | RtpSavpfTcp)
    }

    /// Whether packets are encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        use Profile::{RtpSavpTcp, RtpSavpUdp, RtpSavpfTcp, RtpSavpfUdp};
        matches!(self, RtpSavpUdp | RtpSavpTcp | RtpSavpfUdp | RtpSavpfTcp)
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(name) => out.write_str(name),
            known => {
                let name = PROFILES.iter().find(|(profile, _)| profile == known);
                out.write_str(name.map_or("", |(_, name)| name))
            }
        }
    }
}

/// Direction of a session: `mode` of a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The server sends; what counts when there is no mode.
    Play,
    /// The client sends.
    Record,
}

/// One transport of the header. Fields that the peer did not give are `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transport {
    /// RTP profile and lower transport.
    pub profile: Profile,
    /// Whether packets go to a group. RFC 2326 takes that as the default; clients that send neither `unicast` nor
    /// `multicast` mean unicast.
    pub multicast: bool,
    /// Channels of RTP and RTCP on the connection.
    pub interleaved: Option<(u8, u8)>,
    /// The client's UDP ports for RTP and RTCP.
    pub client_port: Option<(u16, u16)>,
    /// The server's UDP ports for RTP and RTCP.
    pub server_port: Option<(u16, u16)>,
    /// Address the packets come from.
    pub source: Option<String>,
    /// Address the packets go to. A server does not follow a client's wish: it could flood someone else
    /// (RFC 2326 section 16).
    pub destination: Option<String>,
    /// Hops that packets to a group may take.
    pub ttl: Option<u8>,
    /// A group's UDP ports for RTP and RTCP.
    pub port: Option<(u16, u16)>,
    /// Synchronisation source of the sender's packets.
    pub ssrc: Option<u32>,
    /// Direction.
    pub mode: Option<Mode>,
}

impl Transport {
    /// A unicast transport without parameters.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        Self {
            profile,
            multicast: false,
            interleaved: None,
            client_port: None,
            server_port: None,
            source: None,
            destination: None,
            ttl: None,
            port: None,
            ssrc: None,
            mode: None,
        }
    }

    /// Reads one transport; `None` when it has no profile or a number in it makes no sense. Unknown parameters are
    /// ignored. A single port or channel stands for itself and the next one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parameters = text.split(';').map(str::trim);
        let profile = parameters.next().filter(|profile| !profile.is_empty())?;
        let mut transport = Self::new(Profile::parse(profile));
        for parameter in parameters {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let name = name.trim_ascii_end();
            let value = value.trim_matches(|letter: char| letter == '"' || letter.is_whitespace());
            match name.to_ascii_lowercase().as_str() {
                "multicast" => transport.multicast = true,
                "unicast" => transport.multicast = false,
                "interleaved" => transport.interleaved = Some(channels(value)?),
                "client_port" => transport.client_port = Some(ports(value)?),
                "server_port" => transport.server_port = Some(ports(value)?),
                "port" => transport.port = Some(ports(value)?),
                "source" => transport.source = non_empty(value),
                "destination" => transport.destination = non_empty(value),
                "ttl" => transport.ttl = Some(number(value)?),
                // A hint only: one that cannot be read is not worth a refusal.
                "ssrc" => transport.ssrc = ssrc(value),
                "mode" => transport.mode = mode(value),
                _ => {}
            }
        }
        Some(transport)
    }
}

/// Reads the value of a header: transports in the order that the client prefers. Those that cannot be read are
/// dropped.
#[must_use]
pub fn parse_list(value: &str) -> Vec<Transport> {
    let mut quoted = false;
    let entries = value.split(|letter: char| {
        quoted ^= letter == '"';
        letter == ',' && !quoted
    });
    entries
        .filter_map(|entry| Transport::parse(entry.trim()))
        .collect()
}

impl fmt::Display for Transport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cast = if self.multicast {
            "multicast"
        } else {
            "unicast"
        };
        write!(out, "{};{cast}", self.profile)?;
        if let Some(destination) = &self.destination {
            write!(out, ";destination={destination}")?;
        }
        if let Some(source) = &self.source {
            write!(out, ";source={source}")?;
        }
        if let Some((rtp, rtcp)) = self.interleaved {
            write!(out, ";interleaved={rtp}-{rtcp}")?;
        }
        let ports = [
            ("client_port", self.client_port),
            ("server_port", self.server_port),
            ("port", self.port),
        ];
        for (name, pair) in ports {
            if let Some((rtp, rtcp)) = pair {
                write!(out, ";{name}={rtp}-{rtcp}")?;
            }
        }
        if let Some(ttl) = self.ttl {
            write!(out, ";ttl={ttl}")?;
        }
        if let Some(ssrc) = self.ssrc {
            write!(out, ";ssrc={ssrc:08X}")?;
        }
        match self.mode {
            Some(Mode::Play) => out.write_str(";mode=\"PLAY\""),
            Some(Mode::Record) => out.write_str(";mode=\"RECORD\""),
            None => Ok(()),
        }
    }
}

/// Profiles with their names; of several names the one that is written comes first.
const PROFILES: &[(Profile, &str)] = &[
    (Profile::RtpAvpUdp, "RTP/AVP"),
    (Profile::RtpAvpUdp, "RTP/AVP/UDP"),
    (Profile::RtpAvpTcp, "RTP/AVP/TCP"),
    (Profile::RtpAvpfUdp, "RTP/AVPF"),
    (Profile::RtpAvpfUdp, "RTP/AVPF/UDP"),
    (Profile::RtpAvpfTcp, "RTP/AVPF/TCP"),
    (Profile::RtpSavpUdp, "RTP/SAVP"),
    (Profile::RtpSavpUdp, "RTP/SAVP/UDP"),
    (Profile::RtpSavpTcp, "RTP/SAVP/TCP"),
    (Profile::RtpSavpfUdp, "RTP/SAVPF"),
    (Profile::RtpSavpfUdp, "RTP/SAVPF/UDP"),
    (Profile::RtpSavpfTcp, "RTP/SAVPF/TCP"),
];

fn non_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| String::from(text))
}

/// A number in decimal digits; a sign is none.
fn number<N: core::str::FromStr>(text: &str) -> Option<N> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

fn channels(text: &str) -> Option<(u8, u8)> {
    match text.split_once('-') {
        Some((rtp, rtcp)) => Some((number(rtp.trim())?, number(rtcp.trim())?)),
        None => {
            let rtp: u8 = number(text)?;
            Some((rtp, rtp.checked_add(1)?))
        }
    }
}

/// Two UDP ports. Port 0 names none.
fn ports(text: &str) -> Option<(u16, u16)> {
    let (rtp, rtcp) = match text.split_once('-') {
        Some((rtp, rtcp)) => (number(rtp.trim())?, number(rtcp.trim())?),
        None => {
            let rtp: u16 = number(text)?;
            (rtp, rtp.checked_add(1)?)
        }
    };
    (rtp != 0 && rtcp != 0).then_some((rtp, rtcp))
}

/// Eight hexadecimal digits; some peers leave out zeros in front or write `0x`.
fn ssrc(text: &str) -> Option<u32> {
    let digits = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))
        .unwrap_or(text);
    if digits.starts_with('+') {
        None
    } else {
        u32::from_str_radix(digits, 16).ok()
    }
}

/// The first mode of a list that is known. `receive` is what old clients say for `record`.
fn mode(text: &str) -> Option<Mode> {
    text.split(',')
        .find_map(|word| match word.trim().to_ascii_lowercase().as_str() {
            "play" => Some(Mode::Play),
            "record" | "receive" => Some(Mode::Record),
            _ => None,
        })
}

#[cfg(test)]
mod tests;
