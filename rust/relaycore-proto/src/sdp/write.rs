//! Writes the description of a stream.

use alloc::string::String;
use core::fmt::Write as _;

use super::parameters;
use crate::track::Track;

/// What a description says.
#[derive(Clone, Copy, Debug)]
pub struct SessionDescription<'a> {
    /// Number of the stream, the same as long as it lives.
    pub origin_id: u64,
    /// Version of the description: higher after each change.
    pub version: u64,
    /// Name of the stream, for a person.
    pub name: &'a str,
    /// What it is for, for a person; empty where nobody said.
    pub information: &'a str,
    /// Where more is written about it; empty where nothing is.
    pub uri: &'a str,
    /// Address of the connection: `0.0.0.0` or `::` for unicast, a group with `/ttl` for multicast.
    pub address: &'a str,
    /// Port of the first track's RTP at that address, each further track two higher; 0 where SETUP agrees on ports.
    pub port: u16,
    /// Program that made it.
    pub tool: &'a str,
    /// The tracks in order: the first has the control attribute `trackID=0`.
    pub tracks: &'a [Track],
}

/// The description as text, with CR LF line ends.
#[must_use]
pub fn write(session: &SessionDescription<'_>) -> String {
    write_with(session, None)
}

/// The same for a stream whose URL has a query: each track has its whole URL, made of `base`, which ends with a slash,
/// and `query`. A client that puts a relative one in place of the last part of the stream's URL, as RFC 3986 has it,
/// loses path and query: GStreamer does.
#[must_use]
pub fn write_with_query(session: &SessionDescription<'_>, base: &str, query: &str) -> String {
    write_with(session, Some((base, query)))
}

fn write_with(session: &SessionDescription<'_>, url: Option<(&str, &str)>) -> String {
    let mut out = String::with_capacity(256 + 256 * session.tracks.len());
    // Writing to a string does not fail.
    let _ = write_session(&mut out, session, url);
    out
}

fn write_session(
    out: &mut String,
    session: &SessionDescription<'_>,
    url: Option<(&str, &str)>,
) -> core::fmt::Result {
    let address = one_line(session.address);
    let (host, _) = address.split_once('/').unwrap_or((&address, ""));
    let family = if host.contains(':') { "IP6" } else { "IP4" };
    let (id, version) = (session.origin_id, session.version);
    // An empty session name is not allowed (RFC 8866 section 5.3).
    let name = match one_line(session.name) {
        name if name.trim().is_empty() => String::from("-"),
        name => name,
    };
    write!(out, "v=0\r\no=- {id} {version} IN {family} {host}\r\n")?;
    write!(out, "s={name}\r\n")?;
    let information = one_line(session.information);
    if !information.trim().is_empty() {
        write!(out, "i={information}\r\n")?;
    }
    if !session.uri.is_empty() {
        write!(out, "u={}\r\n", one_line(session.uri))?;
    }
    write!(out, "c=IN {family} {address}\r\nt=0 0\r\n")?;
    if !session.tool.is_empty() {
        write!(out, "a=tool:{}\r\n", one_line(session.tool))?;
    }
    write!(out, "a=control:*\r\na=range:npt=now-\r\n")?;
    for (index, track) in session.tracks.iter().enumerate() {
        let port = match session.port {
            0 => 0,
            first => usize::from(first) + 2 * index,
        };
        write_track(out, port, track)?;
        match url {
            Some((base, query)) => {
                let url = one_line(&alloc::format!("{base}trackID={index}?{query}"));
                write!(out, "a=control:{url}\r\n")?;
            }
            None => write!(out, "a=control:trackID={index}\r\n")?,
        }
    }
    Ok(())
}

fn write_track(out: &mut String, port: usize, track: &Track) -> core::fmt::Result {
    let payload_type = track.payload_type.0;
    let foreign = track.format.as_deref();
    let media = foreign.map_or(track.kind().name(), |format| &format.media);
    write!(out, "m={} {port} RTP/AVP {payload_type}\r\n", token(media))?;
    let name = token(track.encoding());
    write!(out, "a=rtpmap:{payload_type} {name}/{}", track.clock_rate)?;
    // One channel is what no number means, and some players know only that form for it.
    if track.channels > 1 || (track.channels == 1 && foreign.is_none()) {
        write!(out, "/{}", track.channels)?;
    }
    out.push_str("\r\n");
    let parameters = parameters::write(track);
    if !parameters.is_empty() {
        let parameters = one_line(&parameters);
        write!(out, "a=fmtp:{payload_type} {parameters}\r\n")?;
    }
    for attribute in foreign.map_or(&[][..], |format| &format.attributes) {
        write!(out, "a={}\r\n", one_line(attribute))?;
    }
    Ok(())
}

/// `text` with spaces in place of control characters, which would end its line.
fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// `text` as one word: what cannot be part of it is a hyphen (RFC 8866 section 9, `token`).
fn token(text: &str) -> String {
    text.replace(
        |letter: char| !letter.is_ascii_graphic() || letter == '/',
        "-",
    )
}
