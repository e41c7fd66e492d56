//! Connecting a session anew (ICE restart, RFC 8445 section 9), as WHIP has it (RFC 9725 section 4.3.2): the client gives
//! itself a new name and password, gets new ones of this side, and media goes on meanwhile.

use super::OfferError;
use super::negotiation::bounded;
use super::peer::Peer;
use std::ops::RangeInclusive;
use std::sync::mpsc::SyncSender;
use str0m::change::SdpOffer;

/// Lengths of a name and of a password (RFC 8839 section 5.4).
const NAME_LENGTHS: RangeInclusive<usize> = 4..=256;
const PASSWORD_LENGTHS: RangeInclusive<usize> = 22..=256;

const NAME: &str = "a=ice-ufrag:";
const PASSWORD: &str = "a=ice-pwd:";
const CANDIDATE: &str = "a=candidate:";

/// What the thread is told, and where it answers.
pub(super) struct Restart {
    pub(super) session: String,
    pub(super) wish: Wish,
    pub(super) reply: SyncSender<Result<String, OfferError>>,
}

/// What a fragment of a description asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wish {
    name: String,
    password: String,
    candidates: Vec<String>,
}

impl Wish {
    /// Reads a fragment (RFC 8840).
    pub(super) fn read(fragment: &str) -> Result<Self, OfferError> {
        let malformed = |what: &str| Err(OfferError::Malformed(what.to_owned()));
        let value = |prefix: &str| {
            let mut lines = fragment.lines();
            lines.find_map(|line| line.trim().strip_prefix(prefix))
        };
        let is_fit = |text: &str, lengths: &RangeInclusive<usize>| {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
            lengths.contains(&text.len()) && text.bytes().all(fits)
        };
        let name = value(NAME).filter(|it| is_fit(it, &NAME_LENGTHS));
        let password = value(PASSWORD).filter(|it| is_fit(it, &PASSWORD_LENGTHS));
        let (Some(name), Some(password)) = (name, password) else {
            return malformed("the fragment has no ice-ufrag and ice-pwd that are right");
        };
        let lines = fragment.lines().map(str::trim);
        let candidates = lines.filter(|line| line.starts_with(CANDIDATE));
        Ok(Self {
            name: name.to_owned(),
            password: password.to_owned(),
            candidates: candidates.map(str::to_owned).collect(),
        })
    }

    /// An offer with what this asks for in place of what it has.
    fn applied_to(&self, offer: &str) -> String {
        let mut out = String::with_capacity(offer.len());
        for line in offer.lines() {
            if line.starts_with(NAME) {
                out.extend([NAME, &self.name]);
            } else if line.starts_with(PASSWORD) {
                out.extend([PASSWORD, &self.password]);
            } else if line.starts_with(CANDIDATE) || line.starts_with("a=end-of-candidates") {
                continue;
            } else {
                out.push_str(line.trim_end());
            }
            out.push_str("\r\n");
            if line.starts_with("a=mid:") && !out.contains(CANDIDATE) {
                // All media go by one connection.
                for candidate in &self.candidates {
                    out.extend([candidate, "\r\n"]);
                }
            }
        }
        out
    }
}

impl Peer {
    /// Begins anew with the names and passwords of both sides; gives the fragment that answers. What this side was called
    /// before is in `ufrag` until its owner changes it.
    pub(super) fn restart(&mut self, wish: &Wish) -> Result<String, OfferError> {
        let (offer, candidates) = bounded(&wish.applied_to(&self.offer));
        let malformed = |error| {
            let reason = format!("the session cannot be connected anew: {error}");
            OfferError::Malformed(reason)
        };
        let before = self.rtc.direct_api().local_ice_credentials();
        let parsed = SdpOffer::from_sdp_string(&offer).map_err(|it| malformed(it.to_string()))?;
        let answered = self.rtc.sdp_api().accept_offer(parsed);
        let answer = answered.map_err(|it| malformed(it.to_string()))?;
        if self.rtc.direct_api().local_ice_credentials() == before {
            return Err(malformed("it has this name and password".to_owned()));
        }
        self.offer = offer;
        self.restarted(candidates);
        Ok(fragment(&answer.to_sdp_string()))
    }
}

/// Of an answer, what says where to connect.
fn fragment(answer: &str) -> String {
    const SESSION: [&str; 3] = ["a=ice-lite", "a=ice-options", "a=group:BUNDLE"];
    const MEDIA: [&str; 6] = [
        "m=",
        "a=mid:",
        NAME,
        PASSWORD,
        CANDIDATE,
        "a=end-of-candidates",
    ];
    let mut out = String::new();
    let mut media = 0;
    for line in answer.lines().map(str::trim_end) {
        media += usize::from(line.starts_with("m="));
        let kept: &[&str] = match media {
            0 => &SESSION,
            1 => &MEDIA,
            // All go by the connection of the first.
            _ => break,
        };
        if kept.iter().any(|prefix| line.starts_with(prefix)) {
            out.extend([line, "\r\n"]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD_TEXT: &str = "abcdefghijklmnopqrstuv";

    #[test]
    fn what_is_no_name_and_password_is_refused() {
        let read = |name: &str, password: &str| {
            Wish::read(&format!("a=ice-ufrag:{name}\r\na=ice-pwd:{password}\r\n")).is_ok()
        };
        assert!(read("abcd", PASSWORD_TEXT));
        for name in ["", "abc", "a b c d", "ab\u{e9}d", &"x".repeat(257)] {
            assert!(!read(name, PASSWORD_TEXT), "{name}");
        }
        for password in ["", "short", &"x".repeat(257), "abcdefghijklmnopqrstu v"] {
            assert!(!read("abcd", password), "{password}");
        }
        assert!(Wish::read("a=ice-ufrag:abcd\r\n").is_err());
        assert!(Wish::read("").is_err());
    }

    #[test]
    fn an_offer_gets_the_new_names_and_candidates_and_loses_the_old() {
        let offer = "v=0\r\nm=video 9\r\na=mid:0\r\na=ice-ufrag:old1\r\na=ice-pwd:old2\r\n\
                     a=candidate:1 old\r\na=end-of-candidates\r\nm=audio 9\r\na=mid:1\r\na=ice-ufrag:old1\r\n";
        let fragment = format!(
            "a=ice-ufrag:new1\r\na=ice-pwd:{PASSWORD_TEXT}\r\nm=video 9\r\na=candidate:2 new\r\n"
        );
        let wish = Wish::read(&fragment).unwrap();
        let expected = format!(
            "v=0\r\nm=video 9\r\na=mid:0\r\na=candidate:2 new\r\na=ice-ufrag:new1\r\n\
             a=ice-pwd:{PASSWORD_TEXT}\r\nm=audio 9\r\na=mid:1\r\na=ice-ufrag:new1\r\n"
        );
        assert_eq!(wish.applied_to(offer), expected);
    }
}
