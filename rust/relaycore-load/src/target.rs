//! Where a plan leads: its URLs, read and resolved before anything is connected.

use crate::plan::{Group, PlanError, Source};
use relaycore_proto::client::ServerUrl;
use std::collections::HashMap;
use std::net::{SocketAddr, ToSocketAddrs};

/// A place to connect to.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) url: ServerUrl,
    pub(crate) address: SocketAddr,
}

/// Resolves host names, each once.
#[derive(Debug, Default)]
pub(crate) struct Resolver(HashMap<(String, u16), SocketAddr>);

impl Resolver {
    /// The places that the readers of a group ask for, one for each of its URLs.
    pub(crate) fn group(&mut self, group: &Group) -> Result<Vec<Target>, PlanError> {
        let password = match (&group.password, group.wrong_password) {
            (password, true) => format!("{}-not", password.as_deref().unwrap_or_default()),
            (password, false) => password.clone().unwrap_or_default(),
        };
        let user = group.user.as_deref().map(|user| (user, &*password));
        let count = if group.url.contains(NUMBER) {
            group.paths
        } else {
            1
        };
        (0..count)
            .map(|number| self.target(&numbered(&group.url, number), user))
            .collect()
    }

    /// The places that a source publishes to.
    pub(crate) fn source(&mut self, source: &Source) -> Result<Vec<Target>, PlanError> {
        let password = source.password.as_deref().unwrap_or_default();
        let user = source.user.as_deref().map(|user| (user, password));
        (0..source.count)
            .map(|number| self.target(&numbered(&source.url, number), user))
            .collect()
    }

    /// The ports that a source of plain RTP sends to.
    pub(crate) fn plain(&mut self, source: &Source) -> Result<Vec<SocketAddr>, PlanError> {
        (0..source.count)
            .map(|number| {
                let url = numbered(&source.url, number);
                let (host, port) = url
                    .strip_prefix("udp://")
                    .and_then(|rest| rest.trim_end_matches('/').rsplit_once(':'))
                    .and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)))
                    .ok_or_else(|| {
                        PlanError(format!("{url:?} is not of the form udp://host:port"))
                    })?;
                let offset = if source.url.contains(NUMBER) {
                    0
                } else {
                    2 * number
                };
                let port = u16::try_from(usize::from(port) + offset)
                    .map_err(|_| PlanError(format!("{url:?}: source {number} has no port left")))?;
                self.address(host.trim_matches(['[', ']']), port)
            })
            .collect()
    }

    fn target(&mut self, url: &str, user: Option<(&str, &str)>) -> Result<Target, PlanError> {
        let parsed = ServerUrl::parse(url)
            .map_err(|error| PlanError(format!("{:?} cannot be used: {error}", shown(url))))?;
        let address = self.address(parsed.host(), parsed.port())?;
        Ok(Target {
            url: match user {
                Some((user, password)) => parsed.with_credentials(user, password),
                None => parsed,
            },
            address,
        })
    }

    fn address(&mut self, host: &str, port: u16) -> Result<SocketAddr, PlanError> {
        let key = (host.to_owned(), port);
        if let Some(known) = self.0.get(&key) {
            return Ok(*known);
        }
        let found = (host, port).to_socket_addrs().map(|mut all| all.next());
        match found {
            Ok(Some(address)) => {
                self.0.insert(key, address);
                Ok(address)
            }
            Ok(None) => Err(PlanError(format!("{host} has no address"))),
            Err(error) => Err(PlanError(format!("{host} cannot be found: {error}"))),
        }
    }
}

/// What stands for a number in a URL.
const NUMBER: &str = "{n}";

fn numbered(url: &str, number: usize) -> String {
    url.replace(NUMBER, &number.to_string())
}

/// A URL without the user information that it may have.
fn shown(url: &str) -> &str {
    url.rsplit_once('@').map_or(url, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;

    fn plan(json: &str) -> Plan {
        Plan::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn numbers_lead_to_places_of_their_own() {
        let plan = plan(
            r#"{"duration_ms": 1, "sources": [
                {"kind": "publish", "url": "rtsp://127.0.0.1:1/{n}", "count": 2, "bitrate": 1000},
                {"kind": "rtp_udp", "url": "udp://127.0.0.1:5000", "count": 3, "bitrate": 1000}],
             "groups": [{"name": "a", "url": "rtsp://[::1]/{n}", "paths": 2, "count": 5},
                        {"name": "b", "url": "rtsp://127.0.0.1/x", "count": 5}]}"#,
        );
        let mut resolver = Resolver::default();
        let uris = |targets: Vec<Target>| -> Vec<String> {
            targets.iter().map(|it| it.url.uri().to_owned()).collect()
        };
        let sources = uris(resolver.source(&plan.sources[0]).unwrap());
        assert_eq!(sources, ["rtsp://127.0.0.1:1/0", "rtsp://127.0.0.1:1/1"]);
        let ports = resolver.plain(&plan.sources[1]).unwrap();
        let ports: Vec<_> = ports.iter().map(SocketAddr::port).collect();
        assert_eq!(ports, [5000, 5002, 5004]);
        let readers = uris(resolver.group(&plan.groups[0]).unwrap());
        assert_eq!(readers, ["rtsp://[::1]/0", "rtsp://[::1]/1"]);
        assert_eq!(resolver.group(&plan.groups[1]).unwrap().len(), 1);
    }

    #[test]
    fn what_leads_nowhere_is_refused_without_a_word_of_the_password() {
        let refused = |url: &str| {
            let group = format!(r#"{{"name": "a", "url": "{url}", "count": 1}}"#);
            let plan = plan(&format!(r#"{{"duration_ms": 1, "groups": [{group}]}}"#));
            Resolver::default().group(&plan.groups[0]).unwrap_err().0
        };
        assert!(refused("http://user:secret@host/").contains("cannot be used"));
        assert!(!refused("http://user:secret@host/").contains("secret"));
        assert!(refused("rtsp://no-such-host.invalid/").contains("no-such-host.invalid"));
        let source = r#"{"kind": "rtp_udp", "url": "udp://127.0.0.1", "bitrate": 1000}"#;
        let plan = plan(&format!(r#"{{"duration_ms": 1, "sources": [{source}]}}"#));
        assert!(Resolver::default().plain(&plan.sources[0]).is_err());
    }
}
