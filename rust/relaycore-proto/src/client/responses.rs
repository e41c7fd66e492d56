//! What the client makes of the answers to its requests.

use alloc::vec::Vec;

use super::challenge;
use super::credentials::{Authenticator, Unanswered};
use super::description::{Description, Section};
use super::error::ClientError;
use super::machine::{Client, Event, MILLISECOND, Phase, ReadyTrack};
use super::requests::Waiting;
use super::transport::{self, Delivery};
use crate::rtsp::header::rtp_info::{self, Entry};
use crate::rtsp::header::session::Session;
use crate::rtsp::message::Response;
use crate::rtsp::method::Method;
use crate::rtsp::status::StatusCode;

/// How often one request is sent again with another `Authorization`.
const REPEATED_MAX: u32 = 3;

impl Client {
    /// Takes a response.
    pub(super) fn response(&mut self, response: &Response, now: u64) {
        // 100 and its like: the answer is still to come.
        if response.status < StatusCode::OK {
            return;
        }
        let Some(request) = self.answered_request(response) else {
            return;
        };
        if response.status == StatusCode::UNAUTHORIZED {
            return self.challenged(request, response, now);
        }
        if request.authorized {
            self.authenticator.accepted();
        }
        match (self.phase, &request.method) {
            (Phase::Stopping, Method::Teardown) => self.end(ClientError::Stopped),
            (Phase::Switching, Method::Teardown) => {
                self.session = None;
                self.begin_setup(now);
            }
            (Phase::Stopping | Phase::Switching, _) => {}
            _ if matches!(response.status.0, 301 | 302 | 303 | 305 | 307) => {
                self.redirected(response.headers.get("Location"), now);
            }
            (Phase::Options, Method::Options) => {
                self.learn_methods(response);
                match self.announced {
                    None => self.send_describe(now),
                    Some(_) => self.send_announce(now),
                }
            }
            (Phase::Describe, Method::Describe) => self.described(&request, response, now),
            (Phase::Describe, Method::Announce) => self.announced(&request, response, now),
            (Phase::Setup, Method::Setup) => self.set_up(&request, response, now),
            (Phase::Play, Method::Play | Method::Record) => self.played(&request, response, now),
            (Phase::Playing, Method::GetParameter | Method::Options) => {
                self.kept_alive(&request, response);
            }
            _ => {}
        }
    }

    /// The request that a response answers. A response without a number, or with one that cannot be read, is taken to
    /// answer the oldest.
    fn answered_request(&mut self, response: &Response) -> Option<Waiting> {
        let number = response
            .cseq()
            .and_then(|cseq| cseq.trim().parse::<u32>().ok());
        match number {
            None => self.waiting.pop_front(),
            Some(number) => {
                let found = self
                    .waiting
                    .iter()
                    .position(|waiting| waiting.cseq == number);
                self.waiting.remove(found?)
            }
        }
    }

    /// Sends a request again with an answer to the server's challenge.
    fn challenged(&mut self, mut request: Waiting, response: &Response, now: u64) {
        if self.phase == Phase::Stopping {
            return self.end(ClientError::Stopped);
        }
        let values = response.headers.get_all("WWW-Authenticate");
        let challenge = challenge::strongest(values);
        let outcome = match request.repeated {
            REPEATED_MAX.. => Err(Unanswered::Wrong),
            _ => self.authenticator.challenged(challenge, request.authorized),
        };
        match outcome {
            Ok(()) => {
                request.repeated += 1;
                if self.phase != Phase::Playing {
                    self.wait_for_answer(now);
                }
                self.transmit(request);
            }
            Err(Unanswered::Missing) => self.fail(ClientError::CredentialsMissing),
            Err(Unanswered::Wrong) => self.fail(ClientError::CredentialsWrong),
            Err(Unanswered::Unknown) => self.fail(ClientError::ChallengeUnknown),
        }
    }

    /// Goes where the server says.
    pub(super) fn redirected(&mut self, location: Option<&str>, now: u64) {
        self.redirections += 1;
        if self.redirections > self.settings.limits.pull_redirections {
            return self.fail(ClientError::TooManyRedirections);
        }
        let Some(location) = location else {
            return self.fail(ClientError::Redirection(None));
        };
        match self.server.redirected(location) {
            Ok(server) => {
                let credentials = server.credentials().cloned();
                self.authenticator = Authenticator::new(credentials, self.settings.seed);
                self.server = server;
                self.connect(now);
            }
            Err(error) => self.fail(ClientError::Redirection(Some(error))),
        }
    }

    /// A server that has no OPTIONS, or none for us, may still describe its streams.
    fn learn_methods(&mut self, response: &Response) {
        let has_get_parameter = response
            .headers
            .get_all("Public")
            .flat_map(|methods| methods.split(','))
            .any(|method| method.trim().eq_ignore_ascii_case("GET_PARAMETER"));
        self.keep_alive = if has_get_parameter {
            Method::GetParameter
        } else {
            Method::Options
        };
    }

    fn described(&mut self, request: &Waiting, response: &Response, now: u64) {
        if !response.status.is_success() {
            return self.refused(request, response);
        }
        let tracks_max = self.settings.limits.tracks;
        match Description::read(response, &request.uri, tracks_max) {
            Ok(description) => {
                self.description = description;
                self.begin_setup(now);
            }
            Err(error) => self.fail(error),
        }
    }

    fn announced(&mut self, request: &Waiting, response: &Response, now: u64) {
        if !response.status.is_success() {
            return self.refused(request, response);
        }
        self.begin_setup(now);
    }

    fn set_up(&mut self, request: &Waiting, response: &Response, now: u64) {
        if response.status == StatusCode::UNSUPPORTED_TRANSPORT {
            return self.fall_back(now);
        }
        let index = self.deliveries.len();
        if response.status.is_success() {
            if let Some(session) = response.headers.get("Session") {
                self.session =
                    Some(Session::parse(session)).filter(|session| !session.id.is_empty());
            }
            let is_taken = |channel| {
                self.deliveries.iter().any(|delivery| match delivery {
                    Delivery::Interleaved { rtp, rtcp } => *rtp == channel || *rtcp == channel,
                    Delivery::Datagrams { .. } => false,
                })
            };
            let value = response.headers.get("Transport");
            let Some(delivery) = transport::answered(value, self.lower, index, is_taken) else {
                return self.fall_back(now);
            };
            self.deliveries.push(delivery);
        } else if self.description.sections.len() > 1 {
            // The other tracks are better than none.
            self.description.sections.remove(index);
        } else {
            return self.refused(request, response);
        }
        if self.deliveries.len() < self.description.sections.len() {
            return self.send_setup(now);
        }
        let tracks = self.description.sections.iter().zip(&self.deliveries);
        let ready = tracks.map(|(section, delivery)| ReadyTrack {
            track: section.track.clone(),
            delivery: delivery.clone(),
        });
        self.events.push_back(Event::Ready(ready.collect()));
        self.send_play(now);
    }

    fn played(&mut self, request: &Waiting, response: &Response, now: u64) {
        if !response.status.is_success() {
            return self.refused(request, response);
        }
        self.phase = Phase::Playing;
        self.schedule_keep_alive(now);
        let limits = &self.settings.limits;
        self.patience_ends = if self.announced.is_some() {
            u64::MAX
        } else if self.may_fall_back() {
            now + limits.pull_first_packet_ms * MILLISECOND
        } else {
            now + limits.pull_silence_ms * MILLISECOND
        };
        let entries = response
            .headers
            .get_all("RTP-Info")
            .flat_map(rtp_info::parse_list)
            .collect();
        let first = first_packets(entries, &self.description.sections);
        self.events.push_back(Event::Playing(first));
    }

    fn kept_alive(&mut self, request: &Waiting, response: &Response) {
        if response.status == StatusCode::SESSION_NOT_FOUND {
            self.fail(ClientError::SessionEnded);
        } else if !response.status.is_success() && request.method == Method::GetParameter {
            self.keep_alive = Method::Options;
        }
    }

    fn refused(&mut self, request: &Waiting, response: &Response) {
        let reason = match response.reason.as_deref() {
            None | Some("") => response.status.reason(),
            Some(reason) => reason,
        };
        self.fail(ClientError::Refused {
            method: request.method.clone(),
            status: response.status,
            reason: reason
                .chars()
                .filter(|letter| !letter.is_control())
                .take(REASON_CHARS)
                .collect(),
        });
    }
}

/// Longest reason of a server that is told, in characters.
const REASON_CHARS: usize = 200;

/// The entries of an `RTP-Info` header by track. Servers write the URL of a track whole, or only its end; where
/// neither fits, as many entries as tracks are taken to be in their order.
fn first_packets(entries: Vec<Entry>, sections: &[Section]) -> Vec<Option<Entry>> {
    let names = |entry: &Entry, section: &Section| {
        let (url, known) = (
            entry.url.trim_matches('/'),
            section.url.trim_end_matches('/'),
        );
        let before = known.strip_suffix(url).filter(|_| !url.is_empty());
        before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
    };
    let any_named = entries
        .iter()
        .any(|entry| sections.iter().any(|section| names(entry, section)));
    if !any_named && entries.len() == sections.len() {
        return entries.into_iter().map(Some).collect();
    }
    let of = |section: &Section| entries.iter().find(|entry| names(entry, section)).cloned();
    sections.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::track::Track;
    use alloc::format;
    use alloc::string::String;

    fn entry(url: &str, seq: u16) -> Entry {
        Entry {
            url: String::from(url),
            seq,
            rtptime: 0,
        }
    }

    #[test]
    fn first_packets_find_their_tracks() {
        let sections: Vec<_> = ["rtsp://h/cam/trackID=1", "rtsp://h/cam/trackID=2/"]
            .into_iter()
            .map(|url| Section {
                track: Track::jpeg(),
                url: String::from(url),
            })
            .collect();
        let numbers = |entries: &[(&str, u16)]| {
            let entries = entries.iter().map(|(url, seq)| entry(url, *seq)).collect();
            let found = first_packets(entries, &sections);
            found
                .into_iter()
                .map(|entry| entry.map(|entry| entry.seq))
                .collect::<Vec<_>>()
        };
        let (first, second) = ("rtsp://h/cam/trackID=1", "rtsp://h/cam/trackID=2");
        assert_eq!(numbers(&[(second, 2), (first, 1)]), [Some(1), Some(2)]);
        assert_eq!(numbers(&[("trackID=2", 2)]), [None, Some(2)]);
        assert_eq!(numbers(&[("ID=2", 2)]), [None, None]);
        assert_eq!(
            numbers(&[("rtsp://10.0.0.9/x/1", 1), ("rtsp://10.0.0.9/x/2", 2)]),
            [Some(1), Some(2)]
        );
        assert_eq!(numbers(&[("x", 1), ("y", 2), ("z", 3)]), [None, None]);
        assert_eq!(numbers(&[(&format!("{first}/"), 1)]), [Some(1), None]);
    }
}
