//! The states of an RTSP session and what each method does to them, as the table of RFC 2326 appendix A.2 has it.
//!
//! ```text
//!            SETUP            PLAY
//!   Init ───────────▶ Ready ◀───────▶ Playing        TEARDOWN leads from every state to Init, which here means
//!                       ▲     PAUSE                   that the session is gone.
//!                       │
//!                       └───────────▶ Recording
//!                       RECORD / PAUSE
//! ```

use core::fmt;

use super::method::Method;

/// Where a session is (RFC 2326 appendix A.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// No transport yet.
    Init,
    /// At least one track has a transport; nothing is sent.
    Ready,
    /// The server sends.
    Playing,
    /// The client, a publisher, sends.
    Recording,
}

/// The table does not have the method in this state: the answer is 455, and nothing changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAllowed {
    /// The state, which stays.
    pub state: State,
}

impl fmt::Display for NotAllowed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Init => "Init",
            State::Ready => "Ready",
            State::Playing => "Playing",
            State::Recording => "Recording",
        };
        write!(
            out,
            "the session is in state {state}, which does not allow the method"
        )
    }
}

impl core::error::Error for NotAllowed {}

/// The state after `method` was answered with success in `state`.
pub fn next(state: State, method: &Method) -> Result<State, NotAllowed> {
    if WITHOUT_EFFECT.contains(method) {
        return Ok(state);
    }
    let row = TABLE
        .iter()
        .find(|(from, known, _)| *from == state && known == method);
    row.map(|(_, _, to)| *to).ok_or(NotAllowed { state })
}

/// The methods that `state` allows, for the `Allow` header of a 455 response.
#[must_use]
pub fn allowed(state: State) -> &'static [Method] {
    match state {
        State::Init => ALLOWED_INIT,
        State::Ready => ALLOWED_READY,
        State::Playing => ALLOWED_PLAYING,
        State::Recording => ALLOWED_RECORDING,
    }
}

/// Appendix A.2, row by row: state, method, next state.
const TABLE: &[(State, Method, State)] = &[
    (State::Init, Method::Setup, State::Ready),
    (State::Init, Method::Teardown, State::Init),
    (State::Ready, Method::Play, State::Playing),
    (State::Ready, Method::Setup, State::Ready),
    (State::Ready, Method::Teardown, State::Init),
    (State::Ready, Method::Record, State::Recording),
    (State::Playing, Method::Pause, State::Ready),
    (State::Playing, Method::Teardown, State::Init),
    (State::Playing, Method::Play, State::Playing),
    (State::Playing, Method::Setup, State::Playing),
    (State::Recording, Method::Pause, State::Ready),
    (State::Recording, Method::Teardown, State::Init),
    (State::Recording, Method::Record, State::Recording),
    (State::Recording, Method::Setup, State::Recording),
];

/// "The methods OPTIONS, ANNOUNCE, DESCRIBE, GET_PARAMETER, SET_PARAMETER do not have any effect on client state".
const WITHOUT_EFFECT: &[Method] = &[
    Method::Options,
    Method::Describe,
    Method::Announce,
    Method::GetParameter,
    Method::SetParameter,
];

const ALLOWED_INIT: &[Method] = &[
    Method::Options,
    Method::Describe,
    Method::Announce,
    Method::GetParameter,
    Method::SetParameter,
    Method::Setup,
    Method::Teardown,
];

const ALLOWED_READY: &[Method] = &[
    Method::Options,
    Method::Describe,
    Method::Announce,
    Method::GetParameter,
    Method::SetParameter,
    Method::Play,
    Method::Setup,
    Method::Teardown,
    Method::Record,
];

const ALLOWED_PLAYING: &[Method] = &[
    Method::Options,
    Method::Describe,
    Method::Announce,
    Method::GetParameter,
    Method::SetParameter,
    Method::Pause,
    Method::Teardown,
    Method::Play,
    Method::Setup,
];

const ALLOWED_RECORDING: &[Method] = &[
    Method::Options,
    Method::Describe,
    Method::Announce,
    Method::GetParameter,
    Method::SetParameter,
    Method::Pause,
    Method::Teardown,
    Method::Record,
    Method::Setup,
];

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use alloc::vec::Vec;

    const STATES: [State; 4] = [State::Init, State::Ready, State::Playing, State::Recording];

    fn every_method() -> Vec<Method> {
        let names = "OPTIONS DESCRIBE ANNOUNCE SETUP PLAY PAUSE RECORD TEARDOWN GET_PARAMETER SET_PARAMETER REDIRECT";
        let mut methods: Vec<_> = names.split(' ').map(Method::parse).collect();
        methods.push(Method::Other(String::from("FOO")));
        methods
    }

    /// The printed table once more, in its other direction: one line a state, the next state for each method.
    #[test]
    fn transitions_are_those_of_appendix_a_2() {
        // SETUP, PLAY, PAUSE, RECORD, TEARDOWN; `-` is 455.
        let printed = [
            (State::Init, "Ready - - - Init"),
            (State::Ready, "Ready Playing - Recording Init"),
            (State::Playing, "Playing Playing Ready - Init"),
            (State::Recording, "Recording - Ready Recording Init"),
        ];
        for (state, line) in printed {
            let methods = ["SETUP", "PLAY", "PAUSE", "RECORD", "TEARDOWN"];
            for (name, expected) in methods.iter().zip(line.split(' ')) {
                let to = match next(state, &Method::parse(name)) {
                    Ok(to) => alloc::format!("{to:?}"),
                    Err(error) => {
                        assert_eq!(error, NotAllowed { state });
                        String::from("-")
                    }
                };
                assert_eq!(to, expected, "{name} in {state:?}");
            }
        }
    }

    #[test]
    fn the_other_methods_change_nothing() {
        for state in STATES {
            for method in WITHOUT_EFFECT {
                assert_eq!(next(state, method), Ok(state));
            }
            for name in ["REDIRECT", "FOO"] {
                assert_eq!(next(state, &Method::parse(name)), Err(NotAllowed { state }));
            }
        }
    }

    #[test]
    fn the_allow_header_names_exactly_what_the_table_has() {
        for state in STATES {
            for method in every_method() {
                let listed = allowed(state).contains(&method);
                assert_eq!(
                    listed,
                    next(state, &method).is_ok(),
                    "{method} in {state:?}"
                );
            }
        }
    }
}
