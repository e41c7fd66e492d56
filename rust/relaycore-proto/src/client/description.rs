//! What a DESCRIBE brought: the tracks that are worth a SETUP, and the URLs that requests name.

use alloc::string::String;
use alloc::vec::Vec;

use super::control::{base_of, url_of};
use super::error::ClientError;
use crate::rtsp::message::Response;
use crate::sdp::{self, Direction, Media};
use crate::track::Track;

/// A stream as its server describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Description {
    /// What PLAY, keep-alives and TEARDOWN name.
    pub(super) aggregate: String,
    /// What is set up; at least one once the description was read.
    pub(super) sections: Vec<Section>,
}

/// A track and what its SETUP names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) track: Track,
    pub(super) url: String,
}

impl Description {
    /// Reads the response to a DESCRIBE of `request_uri`. Sections of which no track can be made are left out, and so
    /// are those behind the first `tracks_max`.
    pub(super) fn read(
        response: &Response,
        request_uri: &str,
        tracks_max: usize,
    ) -> Result<Self, ClientError> {
        let text = String::from_utf8_lossy(&response.body);
        Self::of(&text, &base_of(response, request_uri), tracks_max)
    }

    /// Reads a description whose control attributes are relative to `base`.
    pub(super) fn of(text: &str, base: &str, tracks_max: usize) -> Result<Self, ClientError> {
        let sdp = sdp::parse(text).map_err(ClientError::Description)?;
        let mut refused = None;
        let mut sections = Vec::new();
        for media in sdp.media.iter().filter(|media| is_sent(media, &sdp.media)) {
            match media.track() {
                Ok(track) => sections.push(Section {
                    track,
                    url: url_of(base, media.control.as_deref()),
                }),
                Err(error) => {
                    refused.get_or_insert(error);
                }
            }
        }
        sections.truncate(tracks_max);
        if sections.is_empty() {
            return Err(ClientError::NoTrack(refused));
        }
        Ok(Self {
            aggregate: url_of(base, sdp.control.as_deref()),
            sections,
        })
    }
}

/// Whether the server sends a section. Cameras mark a back channel, into which the client talks, as `sendonly`, seen
/// from the client (ONVIF Streaming Specification section 5.3); servers that see it from their side mark everything
/// so.
fn is_sent(media: &Media, all: &[Media]) -> bool {
    match media.direction {
        Direction::SendRecv | Direction::RecvOnly => true,
        Direction::SendOnly => all
            .iter()
            .all(|media| media.direction == Direction::SendOnly),
        Direction::Inactive => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtsp::status::StatusCode;
    use alloc::format;

    const BASE: &str = "rtsp://h/cam";

    fn read(sdp: &str) -> Result<Description, ClientError> {
        let response = Response::new(StatusCode::OK).with_body("application/sdp", sdp);
        Description::read(&response, BASE, 4)
    }

    fn urls(sdp: &str) -> Vec<String> {
        let description = read(sdp).unwrap();
        description
            .sections
            .into_iter()
            .map(|section| section.url)
            .collect()
    }

    #[test]
    fn sections_have_their_urls_and_the_whole_its_own() {
        let sdp = "v=0\na=control:all\nm=video 0 RTP/AVP 26\na=control:v\nm=video 0 RTP/AVP 26\na=control:rtsp://x/w\n";
        let description = read(sdp).unwrap();
        assert_eq!(description.aggregate, "rtsp://h/cam/all");
        assert_eq!(urls(sdp), ["rtsp://h/cam/v", "rtsp://x/w"]);
        assert_eq!(urls("m=video 0 RTP/AVP 26\n"), [BASE]);
        assert_eq!(read("m=video 0 RTP/AVP 26\n").unwrap().aggregate, BASE);
    }

    #[test]
    fn a_back_channel_is_left_out() {
        let camera = "m=video 0 RTP/AVP 26\na=control:1\na=recvonly\n\
            m=video 0 RTP/AVP 26\na=control:2\na=sendonly\nm=video 0 RTP/AVP 26\na=control:3\na=inactive\n";
        assert_eq!(urls(camera), ["rtsp://h/cam/1"]);
        let server = "m=video 0 RTP/AVP 26\na=control:1\na=sendonly\n";
        assert_eq!(urls(server), ["rtsp://h/cam/1"]);
    }

    #[test]
    fn tracks_are_limited_and_there_is_at_least_one() {
        let many: String = (0..9)
            .map(|number| format!("m=video 0 RTP/AVP 26\na=control:{number}\n"))
            .collect();
        assert_eq!(urls(&many).len(), 4);
        for sdp in [
            "v=0\n",
            "v=0\nm=video 0 RTP/AVP 26\na=inactive\n",
            "m=video 0 RTP/AVP 96\n",
        ] {
            assert!(matches!(read(sdp), Err(ClientError::NoTrack(_))), "{sdp}");
        }
        assert!(matches!(read("<html>"), Err(ClientError::Description(_))));
    }
}
