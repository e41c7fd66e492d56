//! Who we are to a server: answers to its challenges (RFC 7617 for Basic, RFC 7616 and 2069 for Digest).

use alloc::format;
use alloc::string::String;
use core::fmt;

use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::challenge::{Algorithm, Challenge, DigestChallenge};
use crate::base64;

/// A user name and a password, which nothing shows.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Credentials {
    user: String,
    password: String,
}

impl Credentials {
    pub(super) fn new(user: String, password: String) -> Self {
        Self { user, password }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Credentials(..)")
    }
}

/// Answers the challenges of one server. Nothing is sent before it asked.
#[derive(Debug)]
pub(super) struct Authenticator {
    credentials: Option<Credentials>,
    challenge: Option<Challenge>,
    /// Random part of the client's nonces.
    seed: u64,
    /// Answers made with the server's nonce so far.
    count: u32,
    /// Whether the server took an answer.
    accepted: bool,
}

/// Why a challenge is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// There are no credentials.
    Missing,
    /// The credentials were sent and refused.
    Wrong,
    /// None of the challenges is understood.
    Unknown,
}

impl Authenticator {
    /// For a server that is known by these credentials.
    pub(super) fn new(credentials: Option<Credentials>, seed: u64) -> Self {
        Self {
            credentials,
            challenge: None,
            seed,
            count: 0,
            accepted: false,
        }
    }

    /// The server refused a request for lack of credentials; `answered` says whether it had an `Authorization`.
    pub(super) fn challenged(
        &mut self,
        challenge: Option<Challenge>,
        answered: bool,
    ) -> Result<(), Unanswered> {
        if self.credentials.is_none() {
            return Err(Unanswered::Missing);
        }
        let challenge = challenge.ok_or(Unanswered::Unknown)?;
        if answered {
            // Some servers change a nonce that has become too old without a word about it.
            let stale = match (&challenge, &self.challenge) {
                (Challenge::Digest(new), Some(Challenge::Digest(old))) => {
                    new.stale || (self.accepted && new.nonce != old.nonce)
                }
                // A weaker or other kind than before is a new question.
                (Challenge::Digest(_), Some(Challenge::Basic)) => true,
                _ => false,
            };
            if !stale {
                return Err(Unanswered::Wrong);
            }
        }
        self.challenge = Some(challenge);
        self.count = 0;
        Ok(())
    }

    /// The server took a request that had an `Authorization`.
    pub(super) fn accepted(&mut self) {
        self.accepted = true;
    }

    /// Value of the `Authorization` header of a request; `None` before the server asked for one.
    pub(super) fn authorization(&mut self, method: &str, uri: &str) -> Option<String> {
        let credentials = self.credentials.as_ref()?;
        match self.challenge.as_ref()? {
            Challenge::Basic => {
                let text = format!("{}:{}", credentials.user, credentials.password);
                Some(format!("Basic {}", base64::encode(text.as_bytes())))
            }
            Challenge::Digest(challenge) => {
                self.count += 1;
                let client_nonce = format!("{:016x}{:08x}", self.seed, self.count);
                Some(digest(
                    challenge,
                    credentials,
                    method,
                    uri,
                    self.count,
                    &client_nonce,
                ))
            }
        }
    }
}

/// The answer to a digest challenge (RFC 7616 section 3.4).
fn digest(
    challenge: &DigestChallenge,
    credentials: &Credentials,
    method: &str,
    uri: &str,
    count: u32,
    client_nonce: &str,
) -> String {
    let DigestChallenge { realm, nonce, .. } = challenge;
    let Credentials { user, password } = credentials;
    let hash = |text: &str| match challenge.algorithm {
        Algorithm::Md5 => hex(&Md5::digest(text)),
        Algorithm::Sha256 => hex(&Sha256::digest(text)),
    };
    let who = hash(&format!("{user}:{realm}:{password}"));
    let what = hash(&format!("{method}:{uri}"));
    let response = if challenge.qop_auth {
        hash(&format!(
            "{who}:{nonce}:{count:08x}:{client_nonce}:auth:{what}"
        ))
    } else {
        hash(&format!("{who}:{nonce}:{what}"))
    };
    let user = user.replace('\\', "\\\\").replace('"', "\\\"");
    let mut out = format!(
        "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\""
    );
    if challenge.names_algorithm {
        out.push_str(&format!(", algorithm={}", challenge.algorithm.name()));
    }
    if let Some(opaque) = &challenge.opaque {
        out.push_str(&format!(", opaque=\"{opaque}\""));
    }
    if challenge.qop_auth {
        out.push_str(&format!(
            ", qop=auth, nc={count:08x}, cnonce=\"{client_nonce}\""
        ));
    }
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            out.push_str(&format!("{byte:02x}"));
            out
        })
}

#[cfg(test)]
mod tests {
    use super::super::challenge::strongest;
    use super::*;

    fn authenticator() -> Authenticator {
        let credentials = Credentials::new("Mufasa".into(), "Circle of Life".into());
        Authenticator::new(Some(credentials), 1)
    }

    fn challenge(value: &str) -> Option<Challenge> {
        strongest([value].into_iter())
    }

    #[test]
    fn the_examples_of_the_rfc() {
        let Some(Challenge::Digest(mut asked)) = challenge(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=SHA-256, \
             nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
        ) else {
            panic!("the challenge is a digest");
        };
        let credentials = Credentials::new("Mufasa".into(), "Circle of Life".into());
        let client_nonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let answer = digest(
            &asked,
            &credentials,
            "GET",
            "/dir/index.html",
            1,
            client_nonce,
        );
        let expected = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";
        assert!(
            answer.contains(&format!(
                "response=\"{expected}\", algorithm=SHA-256, opaque=\"FQhe"
            )),
            "{answer}"
        );
        assert!(answer.ends_with(&format!("qop=auth, nc=00000001, cnonce=\"{client_nonce}\"")));
        asked.algorithm = Algorithm::Md5;
        let answer = digest(
            &asked,
            &credentials,
            "GET",
            "/dir/index.html",
            1,
            client_nonce,
        );
        assert!(
            answer.contains("response=\"8ca523f5e9506fed4657c9700eebdbec\""),
            "{answer}"
        );
    }

    #[test]
    fn a_digest_without_quality_of_protection_is_that_of_rfc_2069() {
        let mut authenticator = authenticator();
        let asked = challenge("Digest realm=\"cam\", nonce=\"n\"");
        authenticator.challenged(asked, false).unwrap();
        assert_eq!(
            authenticator
                .authorization("DESCRIBE", "rtsp://cam/a")
                .unwrap(),
            "Digest username=\"Mufasa\", realm=\"cam\", nonce=\"n\", uri=\"rtsp://cam/a\", \
             response=\"1ee7a0903a0c9927135feea91f0e4aae\""
        );
    }

    #[test]
    fn nothing_is_sent_before_a_challenge_and_each_answer_counts() {
        let mut authenticator = authenticator();
        assert_eq!(authenticator.authorization("PLAY", "rtsp://cam/a"), None);
        authenticator
            .challenged(Some(Challenge::Basic), false)
            .unwrap();
        let basic = authenticator.authorization("PLAY", "rtsp://cam/a").unwrap();
        assert_eq!(basic, "Basic TXVmYXNhOkNpcmNsZSBvZiBMaWZl");
        let asked = challenge("Digest nonce=\"n\", qop=auth");
        authenticator.challenged(asked, true).unwrap();
        for count in ["nc=00000001", "nc=00000002"] {
            let answer = authenticator.authorization("PLAY", "rtsp://cam/a").unwrap();
            assert!(answer.contains(count), "{answer}");
        }
    }

    #[test]
    fn a_refused_answer_is_only_repeated_for_a_nonce_that_became_stale() {
        let mut authenticator = authenticator();
        let first = challenge("Digest nonce=\"1\"");
        let second = challenge("Digest nonce=\"2\"");
        let stale = challenge("Digest nonce=\"3\", stale=true");
        assert_eq!(
            authenticator.challenged(None, false),
            Err(Unanswered::Unknown)
        );
        assert_eq!(authenticator.challenged(first, false), Ok(()));
        assert_eq!(
            authenticator.challenged(second.clone(), true),
            Err(Unanswered::Wrong)
        );
        assert_eq!(authenticator.challenged(stale, true), Ok(()));
        authenticator.accepted();
        assert_eq!(authenticator.challenged(second.clone(), true), Ok(()));
        assert_eq!(
            authenticator.challenged(second.clone(), true),
            Err(Unanswered::Wrong)
        );
        let mut nobody = Authenticator::new(None, 1);
        assert_eq!(nobody.challenged(second, false), Err(Unanswered::Missing));
    }

    #[test]
    fn a_quote_in_a_user_name_does_not_end_it() {
        let credentials = Credentials::new("a\"b\\c".into(), String::new());
        let mut authenticator = Authenticator::new(Some(credentials), 1);
        authenticator
            .challenged(challenge("Digest nonce=\"1\""), false)
            .unwrap();
        let answer = authenticator.authorization("PLAY", "rtsp://cam/a").unwrap();
        assert!(
            answer.starts_with("Digest username=\"a\\\"b\\\\c\", "),
            "{answer}"
        );
    }
}
