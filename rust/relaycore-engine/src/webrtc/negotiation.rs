//! From an offer to an answer, and to what flows by it.

use super::OfferError;
use super::gateway::{Addresses, Asker};
use super::peer::Role;
use super::publishing::{Publisher, Receiving};
use super::reading::{Feed, Line, Reader};
use crate::decision::Action;
use crate::engine::Shared;
use crate::paths::OpenSourceError;
use crate::stream::Stream;
use crate::web_session::Carried;
use relaycore_proto::annexb;
use relaycore_proto::track::{Codec, Kind, Track};
use std::sync::Arc;
use std::time::{Duration, Instant};
use str0m::change::SdpOffer;
use str0m::config::DtlsCert;
use str0m::crypto::CryptoProvider;
use str0m::format::Codec as RtcCodec;
use str0m::media::{Direction, MediaKind, Mid, Pt};
use str0m::net::TcpType;
use str0m::rtp::Extension;
use str0m::{Candidate, Rtc, RtcConfig};

/// Most candidates of either side in a session, those that come after the offer included.
pub(super) const MOST_CANDIDATES: usize = 32;

/// How often reports about each track go out.
const REPORT_INTERVAL: Duration = Duration::from_secs(2);

/// Number of the header extension that names the media of a packet (RFC 9143 section 15), unless the offer has another.
const MID_EXTENSION: u8 = 4;

/// Number of the one that says when a packet left, likewise.
const TIME_EXTENSION: u8 = 2;

/// What was agreed on.
pub(super) struct Agreed {
    pub(super) rtc: Rtc,
    /// The answer.
    pub(super) answer: String,
    /// What our side is called in the client's checks.
    pub(super) ufrag: String,
    pub(super) role: Role,
    /// Candidates that the offer had.
    pub(super) candidates: usize,
    /// The offer.
    pub(super) offer: String,
}

/// Answers an offer.
pub(super) fn agree(
    shared: &Arc<Shared>,
    session: &Carried,
    offer: &str,
    sound: Option<&str>,
    addresses: &Addresses,
    (certificate, crypto): (&DtlsCert, &Arc<CryptoProvider>),
    asker: Arc<Asker>,
) -> Result<Agreed, OfferError> {
    let (text, candidates) = bounded(offer);
    let sound_codec = best_sound(&text);
    let offer = SdpOffer::from_sdp_string(&text)
        .map_err(|error| OfferError::Malformed(format!("the offer cannot be read: {error}")))?;
    let config = RtcConfig::new()
        .clear_codecs()
        .set_rtp_mode(true)
        .set_ice_lite(true)
        .set_crypto_provider(Arc::clone(crypto))
        .set_dtls_cert(certificate.clone())
        .set_rtcp_report_interval_audio(REPORT_INTERVAL)
        .set_rtcp_report_interval_video(REPORT_INTERVAL);
    let found = match session.info().action {
        Action::Read => Found::Read(streams(shared, &session.info().path, sound)?),
        Action::Publish => Found::Publish(sound_codec),
    };
    let mut rtc = found.enable(config).build(Instant::now());
    for address in &addresses.udp {
        if let Ok(candidate) = Candidate::host(*address, "udp") {
            rtc.add_local_candidate(candidate);
        }
    }
    for address in &addresses.tcp {
        let passive = Candidate::builder().tcp().tcptype(TcpType::Passive);
        if let Ok(candidate) = passive.host(*address).build() {
            rtc.add_local_candidate(candidate);
        }
    }
    let ufrag = rtc.direct_api().local_ice_credentials().ufrag;
    let answer = rtc
        .sdp_api()
        .accept_offer(offer)
        .map_err(|error| OfferError::Malformed(format!("the offer cannot be answered: {error}")))?;
    let answer = with_formats(&answer.to_sdp_string());
    let media = media(&rtc, &answer);
    let role = match found {
        Found::Read(streams) => Role::Reader(reader(&rtc, &media, streams)?),
        Found::Publish(_) => Role::Publisher(publisher(&rtc, shared, session, &media, asker)?),
    };
    Ok(Agreed {
        rtc,
        answer,
        ufrag,
        role,
        candidates,
        offer: text,
    })
}

/// An offer without the candidates that are too many, and how many it has.
pub(super) fn bounded(offer: &str) -> (String, usize) {
    let mut out = String::with_capacity(offer.len());
    let mut candidates = 0;
    for line in offer.split_inclusive('\n') {
        if line.starts_with("a=candidate:") {
            if candidates == MOST_CANDIDATES {
                continue;
            }
            candidates += 1;
        }
        out.push_str(line);
    }
    (out, candidates)
}

enum Found {
    /// The stream of pictures, and that of sound where it is another one.
    Read(Vec<Arc<Stream>>),
    /// The codec of sound.
    Publish(Codec),
}

impl Found {
    fn enable(&self, config: RtcConfig) -> RtcConfig {
        match self {
            Self::Read(streams) => {
                let tracks: Vec<_> = streams.iter().flat_map(|it| it.tracks().to_vec()).collect();
                let has = |codec| tracks.iter().any(|track| track.codec == codec);
                // With a time in each packet clients estimate the bandwidth themselves, and say it once a second (REMB). With
                // numbers in each (transport-wide congestion control) they would report on all of them, twenty times as often.
                config
                    .clear_extension_map()
                    .set_extension(TIME_EXTENSION, Extension::AbsoluteSendTime)
                    .set_extension(MID_EXTENSION, Extension::RtpMid)
                    .enable_h264(has(Codec::H264))
                    .enable_h265(has(Codec::H265))
                    .enable_opus(has(Codec::Opus), false)
                    .enable_pcmu(has(Codec::Pcmu), false)
                    .enable_pcma(has(Codec::Pcma), false)
            }
            // What comes must be what was announced: one codec for each kind.
            Self::Publish(sound) => config
                .enable_h264(true)
                .enable_opus(*sound == Codec::Opus, false)
                .enable_pcmu(*sound == Codec::Pcmu, false)
                .enable_pcma(*sound == Codec::Pcma, false),
        }
    }
}

/// The best sound that an offer to publish names. Browsers have Opus, other devices perhaps G.711 alone.
fn best_sound(offer: &str) -> Codec {
    let names = |wanted: &str| {
        let formats = offer
            .lines()
            .filter_map(|line| line.strip_prefix("a=rtpmap:"));
        let mut encodings = formats.filter_map(|format| format.split([' ', '/']).nth(1));
        encodings.any(|encoding| encoding.eq_ignore_ascii_case(wanted))
    };
    let known = [("opus", Codec::Opus), ("PCMU", Codec::Pcmu)];
    let found = known.into_iter().find(|(encoding, _)| names(encoding));
    found.map_or(Codec::Pcma, |(_, codec)| codec)
}

fn streams(
    shared: &Shared,
    path: &str,
    sound: Option<&str>,
) -> Result<Vec<Arc<Stream>>, OfferError> {
    let gone = || OfferError::Conflict("the stream has just ended; try again".to_owned());
    let mut streams = vec![shared.stream(path).ok_or_else(gone)?];
    if let Some(sound) = sound.filter(|sound| *sound != path) {
        streams.push(shared.stream(sound).ok_or_else(gone)?);
    }
    Ok(streams)
}

/// An answer in which each media names a format, also one that is refused (RFC 3264 section 6): browsers do not read
/// others.
fn with_formats(answer: &str) -> String {
    let mut out = String::with_capacity(answer.len() + 8);
    for line in answer.lines() {
        out.push_str(line.trim_end());
        if line.starts_with("m=") && line.split_whitespace().count() == 3 {
            out.push_str(" 0");
        }
        out.push_str("\r\n");
    }
    out
}

/// A media that the answer has.
struct Agreement {
    mid: Mid,
    kind: MediaKind,
    direction: Direction,
    /// The payload types that both sides know, in the client's order.
    payload_types: Vec<Pt>,
}

/// The media of an answer, in its order.
fn media(rtc: &Rtc, answer: &str) -> Vec<Agreement> {
    let mids = answer
        .lines()
        .filter_map(|line| line.strip_prefix("a=mid:"));
    let media = mids.filter_map(|mid| {
        let media = rtc.media(Mid::from(mid.trim()))?;
        Some(Agreement {
            mid: media.mid(),
            kind: media.kind(),
            direction: media.direction(),
            payload_types: media.remote_pts().to_vec(),
        })
    });
    media.collect()
}

fn reader(rtc: &Rtc, media: &[Agreement], streams: Vec<Arc<Stream>>) -> Result<Reader, OfferError> {
    let mut feeds = Vec::new();
    let mut taken = Vec::new();
    for stream in streams {
        let mut lines = Vec::new();
        for (index, track) in stream.tracks().iter().enumerate() {
            let Some(codec) = rtc_codec(track) else {
                continue;
            };
            let wanted = media.iter().find(|added| {
                added.kind == codec.kind()
                    && matches!(added.direction, Direction::SendOnly | Direction::SendRecv)
                    && !taken.contains(&added.mid)
            });
            let Some(added) = wanted else { continue };
            let Some(payload_type) = payload_type(rtc, added, codec, track) else {
                continue;
            };
            taken.push(added.mid);
            lines.push(Line::new(index, track, added.mid, payload_type));
        }
        if !lines.is_empty() {
            feeds.push(Feed::new(stream, lines));
        }
    }
    if feeds.is_empty() {
        return Err(OfferError::Unacceptable(
            "nothing of the stream is in a codec that the client plays by WebRTC: H.264 or H.265 pictures, Opus or \
             G.711 sound"
                .to_owned(),
        ));
    }
    Ok(Reader::new(feeds))
}

fn rtc_codec(track: &Track) -> Option<RtcCodec> {
    Some(match track.codec {
        Codec::H264 => RtcCodec::H264,
        Codec::H265 => RtcCodec::H265,
        Codec::Opus => RtcCodec::Opus,
        Codec::Pcmu if track.channels == 1 && track.clock_rate == 8000 => RtcCodec::PCMU,
        Codec::Pcma if track.channels == 1 && track.clock_rate == 8000 => RtcCodec::PCMA,
        _ => return None,
    })
}

/// The payload type for packets of a track: of H.264 one with several units in a packet, and with the profile of the
/// stream where the client has named that. Browsers decode other profiles of H.264, too, whatever they name.
fn payload_type(rtc: &Rtc, added: &Agreement, codec: RtcCodec, track: &Track) -> Option<Pt> {
    let agreed = &added.payload_types;
    let profile = profile(track);
    let fits = |pt: &&Pt| {
        let params = rtc.codec_config().find(|it| it.pt() == **pt);
        params.is_some_and(|it| it.spec().codec == codec)
    };
    let format = |pt: &Pt| {
        let params = rtc.codec_config().find(|it| it.pt() == *pt);
        params.map(|it| it.spec().format)
    };
    let rank = |pt: &&Pt| {
        let format = format(pt);
        let mode = format.and_then(|it| it.packetization_mode);
        let named = format.and_then(|it| it.profile_level_id);
        (mode == Some(1), named.map(|it| (it >> 16) as u8) == profile)
    };
    // The client's order says which of several alike it likes best.
    agreed.iter().rev().filter(fits).max_by_key(rank).copied()
}

/// The profile of an H.264 stream, when it is known (ITU-T H.264 section 7.4.2.1.1).
fn profile(track: &Track) -> Option<u8> {
    let mut units = annexb::nal_units(&track.parameters);
    let sps = units.find(|unit| unit.first().is_some_and(|byte| byte & 0x1f == 7))?;
    sps.get(1).copied()
}

/// The track for the sound that was agreed on.
fn sound_track(rtc: &Rtc, added: &Agreement) -> Track {
    let is = |codec| {
        let mut agreed = rtc
            .codec_config()
            .iter()
            .filter(|it| added.payload_types.contains(&it.pt()));
        agreed.any(|it| it.spec().codec == codec)
    };
    if is(RtcCodec::PCMU) {
        Track::new(Codec::Pcmu, 8000, 1, &[])
    } else if is(RtcCodec::PCMA) {
        Track::new(Codec::Pcma, 8000, 1, &[])
    } else {
        Track::new(Codec::Opus, 48_000, 2, &[])
    }
}

fn publisher(
    rtc: &Rtc,
    shared: &Arc<Shared>,
    session: &Carried,
    media: &[Agreement],
    asker: Arc<Asker>,
) -> Result<Publisher, OfferError> {
    let mut tracks = Vec::new();
    let mut lines = Vec::new();
    for added in media {
        let receives = matches!(added.direction, Direction::RecvOnly | Direction::SendRecv);
        let has_codec = !added.payload_types.is_empty();
        let (track, kind) = match added.kind {
            MediaKind::Video => (Track::h264(&[]), Kind::Video),
            MediaKind::Audio => (sound_track(rtc, added), Kind::Audio),
        };
        if receives && has_codec && !tracks.iter().any(|known: &Track| known.kind() == kind) {
            lines.push(Receiving::new(tracks.len(), added.mid, &track));
            tracks.push(track);
        }
    }
    if tracks.is_empty() {
        return Err(OfferError::Unacceptable(
            "nothing that the client sends can be taken: H.264 pictures, and Opus or G.711 sound, can"
                .to_owned(),
        ));
    }
    let source = shared
        .open_source(&session.info().path, tracks, false, asker)
        .map_err(|error| match error {
            OpenSourceError::Busy | OpenSourceError::Stream(_) => {
                OfferError::Conflict(error.to_string())
            }
        })?;
    Ok(Publisher::new(source, lines))
}
