//! Status codes of responses (RFC 2326 section 7.1.1, RFC 7826 section 17 for those that came later).

use core::fmt;

/// The three digits of a response, which say how the request fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StatusCode(pub u16);

macro_rules! status_codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $reason:literal;)+) => {
        impl StatusCode {
            $($(#[doc = $doc])+
            pub const $name: Self = Self($code);)+

            /// Every code that has a name here.
            pub const ALL: &[Self] = &[$(Self($code)),+];

            /// The reason phrase of the specification; that of the code's class when the code is not a known one.
            #[must_use]
            pub fn reason(self) -> &'static str {
                match self.0 {
                    $($code => $reason,)+
                    100..200 => "Continue",
                    200..300 => "OK",
                    300..400 => "Redirection",
                    400..500 => "Bad Request",
                    _ => "Internal Server Error",
                }
            }
        }
    };
}

status_codes! {
    /// The client may go on.
    CONTINUE = 100, "Continue";
    /// The connection goes on with the protocol that was asked for (RFC 9110 section 15.2.2).
    SWITCHING_PROTOCOLS = 101, "Switching Protocols";
    /// Done.
    OK = 200, "OK";
    /// Done, and something was made.
    CREATED = 201, "Created";
    /// Done, though less is recorded than asked for.
    LOW_ON_STORAGE_SPACE = 250, "Low on Storage Space";
    /// The stream is elsewhere for good: `Location` says where.
    MOVED_PERMANENTLY = 301, "Moved Permanently";
    /// The stream is elsewhere for now: `Location` says where.
    MOVED_TEMPORARILY = 302, "Moved Temporarily";
    /// Nothing changed since the time that the client named.
    NOT_MODIFIED = 304, "Not Modified";
    /// The request has a mistake.
    BAD_REQUEST = 400, "Bad Request";
    /// Credentials are missing or wrong: `WWW-Authenticate` says which kind.
    UNAUTHORIZED = 401, "Unauthorized";
    /// Credentials do not help.
    FORBIDDEN = 403, "Forbidden";
    /// No stream at this path.
    NOT_FOUND = 404, "Not Found";
    /// The method exists, not for this resource: `Allow` says which do.
    METHOD_NOT_ALLOWED = 405, "Method Not Allowed";
    /// No description in a format that the client accepts.
    NOT_ACCEPTABLE = 406, "Not Acceptable";
    /// The client was silent for too long.
    REQUEST_TIMEOUT = 408, "Request Time-out";
    /// The stream was here and is not coming back.
    GONE = 410, "Gone";
    /// `Content-Length` is needed.
    LENGTH_REQUIRED = 411, "Length Required";
    /// The body is longer than the limit.
    REQUEST_ENTITY_TOO_LARGE = 413, "Request Entity Too Large";
    /// The request line is longer than the limit.
    REQUEST_URI_TOO_LARGE = 414, "Request-URI Too Large";
    /// The body is of a type that is not understood.
    UNSUPPORTED_MEDIA_TYPE = 415, "Unsupported Media Type";
    /// The connection has to ask for another protocol: `Upgrade` says which (RFC 9110 section 15.5.22).
    UPGRADE_REQUIRED = 426, "Upgrade Required";
    /// A parameter of the body is not known.
    PARAMETER_NOT_UNDERSTOOD = 451, "Parameter Not Understood";
    /// The named conference is not known.
    CONFERENCE_NOT_FOUND = 452, "Conference Not Found";
    /// A limit on bandwidth or readers is reached.
    NOT_ENOUGH_BANDWIDTH = 453, "Not Enough Bandwidth";
    /// No session of that identifier.
    SESSION_NOT_FOUND = 454, "Session Not Found";
    /// The session's state does not allow the method: `Allow` says which it does.
    METHOD_NOT_VALID_IN_THIS_STATE = 455, "Method Not Valid in This State";
    /// A header does not fit the resource.
    HEADER_FIELD_NOT_VALID = 456, "Header Field Not Valid for Resource";
    /// The range lies outside of the stream.
    INVALID_RANGE = 457, "Invalid Range";
    /// The parameter can only be read.
    PARAMETER_IS_READ_ONLY = 458, "Parameter Is Read-Only";
    /// The method is for one track, the URL names the whole stream.
    AGGREGATE_OPERATION_NOT_ALLOWED = 459, "Aggregate Operation Not Allowed";
    /// The method is for the whole stream, the URL names one track.
    ONLY_AGGREGATE_OPERATION_ALLOWED = 460, "Only Aggregate Operation Allowed";
    /// No transport of those that the client offers.
    UNSUPPORTED_TRANSPORT = 461, "Unsupported Transport";
    /// Packets cannot reach the client.
    DESTINATION_UNREACHABLE = 462, "Destination Unreachable";
    /// The server has a fault.
    INTERNAL_SERVER_ERROR = 500, "Internal Server Error";
    /// The method is not known.
    NOT_IMPLEMENTED = 501, "Not Implemented";
    /// Another server, asked on behalf of the client, answered badly.
    BAD_GATEWAY = 502, "Bad Gateway";
    /// Not now: `Retry-After` says when.
    SERVICE_UNAVAILABLE = 503, "Service Unavailable";
    /// Another server, asked on behalf of the client, did not answer in time.
    GATEWAY_TIMEOUT = 504, "Gateway Time-out";
    /// Not a version that is spoken here.
    RTSP_VERSION_NOT_SUPPORTED = 505, "RTSP Version not supported";
    /// A tag of `Require` is not known: `Unsupported` says which.
    OPTION_NOT_SUPPORTED = 551, "Option not supported";
}

impl StatusCode {
    /// Whether the request was done (2xx).
    #[must_use]
    pub fn is_success(self) -> bool {
        (200..300).contains(&self.0)
    }

    /// Whether the client is sent elsewhere (3xx).
    #[must_use]
    pub fn is_redirection(self) -> bool {
        (300..400).contains(&self.0)
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.0, self.reason())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn codes_print_with_their_reason() {
        assert_eq!(StatusCode::OK.to_string(), "200 OK");
        assert_eq!(
            StatusCode::METHOD_NOT_VALID_IN_THIS_STATE.to_string(),
            "455 Method Not Valid in This State"
        );
        assert_eq!(StatusCode(299).to_string(), "299 OK");
        assert_eq!(StatusCode(999).to_string(), "999 Internal Server Error");
    }

    #[test]
    fn codes_have_three_digits_and_rise() {
        assert!(StatusCode::ALL.is_sorted());
        assert!(
            StatusCode::ALL
                .iter()
                .all(|code| (100..600).contains(&code.0))
        );
        assert!(StatusCode::CREATED.is_success() && !StatusCode::MOVED_TEMPORARILY.is_success());
        assert!(StatusCode::MOVED_TEMPORARILY.is_redirection());
    }
}
