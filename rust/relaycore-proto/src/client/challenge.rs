//! `WWW-Authenticate` (RFC 9110 section 11.6.1): what a server wants to know before it answers.
//!
//! ```text
//! WWW-Authenticate: Digest realm="cam", nonce="5a6b", algorithm=SHA-256, qop="auth", Basic realm="cam"
//! ```

use alloc::string::String;
use alloc::vec::Vec;

/// How a digest is computed (RFC 7616 section 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Algorithm {
    Md5,
    Sha256,
}

impl Algorithm {
    /// The name, as servers write it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }
}

/// A challenge that can be answered. The texts of a digest are kept as they came between their quotes, backslashes
/// included: servers compare what they sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    Basic,
    Digest(DigestChallenge),
}

/// What a digest challenge says (RFC 7616 section 3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DigestChallenge {
    pub(super) realm: String,
    pub(super) nonce: String,
    pub(super) opaque: Option<String>,
    pub(super) algorithm: Algorithm,
    /// Whether the server named the algorithm: then the answer does too.
    pub(super) names_algorithm: bool,
    /// Whether `qop=auth` is offered; without it the answer is that of RFC 2069.
    pub(super) qop_auth: bool,
    /// Whether the credentials were right and only the nonce too old.
    pub(super) stale: bool,
}

/// The strongest of the challenges in the values of a response's headers; `None` when none can be answered.
pub(super) fn strongest<'a>(values: impl Iterator<Item = &'a str>) -> Option<Challenge> {
    let rank = |challenge: &Challenge| match challenge {
        Challenge::Basic => None,
        Challenge::Digest(digest) => Some(digest.algorithm),
    };
    let mut best: Option<Challenge> = None;
    for challenge in values.flat_map(parse) {
        // Of equals the first counts: servers put what they prefer in front.
        if best
            .as_ref()
            .is_none_or(|best| rank(best) < rank(&challenge))
        {
            best = Some(challenge);
        }
    }
    best
}

/// The challenges of one header value that can be answered.
fn parse(value: &str) -> Vec<Challenge> {
    let mut challenges: Vec<(&str, Vec<(&str, &str)>)> = Vec::new();
    for part in split_unquoted(value) {
        let mut parameter = part;
        // `Digest realm="cam"` begins a challenge; `realm = "cam"` goes on with it.
        let word_end = part.find([' ', '\t', '=']).unwrap_or(part.len());
        let (word, rest) = part.split_at(word_end);
        if !rest.trim_start().starts_with('=') {
            challenges.push((word, Vec::new()));
            parameter = rest.trim();
        }
        if let (Some((_, parameters)), Some((name, value))) =
            (challenges.last_mut(), parameter.split_once('='))
        {
            parameters.push((name.trim(), unquote(value.trim())));
        }
    }
    challenges
        .into_iter()
        .filter_map(|(scheme, parameters)| understood(scheme, &parameters))
        .collect()
}

fn understood(scheme: &str, parameters: &[(&str, &str)]) -> Option<Challenge> {
    if scheme.eq_ignore_ascii_case("Basic") {
        return Some(Challenge::Basic);
    }
    if !scheme.eq_ignore_ascii_case("Digest") {
        return None;
    }
    let find = |wanted: &str| {
        let found = parameters
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| *value)
    };
    let algorithm = match find("algorithm") {
        None => Algorithm::Md5,
        Some(name) => [Algorithm::Md5, Algorithm::Sha256]
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(name))?,
    };
    let offers = find("qop").filter(|offers| !offers.is_empty());
    let qop_auth = offers.is_some_and(|offers| {
        offers
            .split(',')
            .any(|offer| offer.trim().eq_ignore_ascii_case("auth"))
    });
    // `auth-int` alone would need the digest of the body, which nobody asks for in RTSP.
    if offers.is_some() && !qop_auth {
        return None;
    }
    Some(Challenge::Digest(DigestChallenge {
        realm: String::from(find("realm").unwrap_or("")),
        nonce: String::from(find("nonce")?),
        opaque: find("opaque").map(String::from),
        algorithm,
        names_algorithm: find("algorithm").is_some(),
        qop_auth,
        stale: find("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
    }))
}

/// The parts of a list between commas that are not within quotes.
fn split_unquoted(value: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = value.split(move |letter: char| {
        quoted ^= letter == '"' && !escaped;
        escaped = quoted && !escaped && letter == '\\';
        letter == ',' && !quoted
    });
    parts.map(str::trim).filter(|part| !part.is_empty())
}

fn unquote(value: &str) -> &str {
    let inner = value.strip_prefix('"').unwrap_or(value);
    inner.strip_suffix('"').unwrap_or(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(value: &str) -> DigestChallenge {
        match strongest([value].into_iter()) {
            Some(Challenge::Digest(digest)) => digest,
            other => panic!("{value} was read as {other:?}"),
        }
    }

    #[test]
    fn the_parameters_of_a_digest_are_read_in_every_form() {
        let usual = digest(
            "Digest realm=\"a, b=c\", nonce=\"n\\\"1\", opaque=\"o\", stale=TRUE, qop=\"auth-int, auth\"",
        );
        assert_eq!(
            (usual.realm.as_str(), usual.nonce.as_str()),
            ("a, b=c", "n\\\"1")
        );
        assert_eq!(usual.opaque.as_deref(), Some("o"));
        assert!(usual.stale && usual.qop_auth && !usual.names_algorithm);
        let odd = digest("digest  REALM = cam ,nonce=x,, algorithm=\"sha-256\",qop=\"\"");
        assert_eq!((odd.realm.as_str(), odd.nonce.as_str()), ("cam", "x"));
        assert_eq!(odd.algorithm, Algorithm::Sha256);
        assert!(!odd.stale && !odd.qop_auth && odd.names_algorithm);
    }

    #[test]
    fn the_strongest_challenge_is_chosen() {
        let md5 = "Digest realm=\"a\", nonce=\"1\"";
        let sha = "Digest realm=\"a\", nonce=\"2\", algorithm=SHA-256";
        let basic = "Basic realm=\"a\"";
        let all = alloc::format!("Negotiate, {basic}, {md5}, {sha}");
        for values in [&[basic, md5, sha][..], &[sha, md5, basic], &[all.as_str()]] {
            let chosen = strongest(values.iter().copied());
            assert!(matches!(chosen, Some(Challenge::Digest(digest)) if digest.nonce == "2"));
        }
        assert_eq!(strongest([basic].into_iter()), Some(Challenge::Basic));
        assert_eq!(
            digest(&alloc::format!("{md5}, Digest nonce=\"3\"")).nonce,
            "1"
        );
    }

    #[test]
    fn what_cannot_be_answered_is_skipped() {
        for value in [
            "",
            ",",
            "Negotiate",
            "Digest",
            "Digest realm=\"a\"",
            "Digest nonce=\"1\", algorithm=SHA-512-256",
            "Digest nonce=\"1\", algorithm=MD5-sess",
            "Digest nonce=\"1\", qop=\"auth-int\"",
            "realm=\"a\", nonce=\"1\"",
            "\"Basic",
        ] {
            assert_eq!(strongest([value].into_iter()), None, "{value}");
        }
    }
}
