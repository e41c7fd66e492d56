//! The URLs of a description: what SETUP and PLAY name (RFC 2326 appendix C.1.1).

use alloc::string::String;

use crate::rtsp::message::{Response, escape_uri};
use crate::rtsp::url::strip_scheme;

/// The URL that control attributes are relative to: that of the response's `Content-Base` or `Content-Location`
/// header, or that of the request.
pub(super) fn base_of(response: &Response, request_uri: &str) -> String {
    let named = ["Content-Base", "Content-Location"]
        .into_iter()
        .filter_map(|name| response.headers.get(name))
        .map(str::trim)
        .find(|value| !value.is_empty());
    match named {
        Some(base) => resolve(request_uri, base),
        None => String::from(request_uri),
    }
}

/// The URL of a control attribute in a description whose base is `base`. None, `*` and an empty one name the whole.
pub(super) fn url_of(base: &str, control: Option<&str>) -> String {
    match control.map_or("", str::trim) {
        "" | "*" => String::from(base),
        control => resolve(base, control),
    }
}

/// `reference` as it is when it is absolute, or else [joined](join); without user information either way.
fn resolve(base: &str, reference: &str) -> String {
    let url = if strip_scheme(reference).is_some() {
        String::from(reference)
    } else {
        join(base, reference)
    };
    escape_uri(&without_user(&url)).into_owned()
}

/// A relative URL behind `base`.
///
/// By RFC 3986 it would replace the last part of a base without a slash at its end, and every query. Servers mean
/// something else: they expect it behind the whole base, query included. One that starts with a slash is a path of
/// the host, as the standard has it.
pub(super) fn join(base: &str, reference: &str) -> String {
    let mut url = String::with_capacity(base.len() + reference.len() + 1);
    if reference.starts_with('/') {
        url.push_str(origin(base));
    } else {
        url.push_str(base);
        if !base.ends_with('/') && !reference.starts_with('?') {
            url.push('/');
        }
    }
    url.push_str(reference);
    url
}

/// Scheme, host and port of an absolute URL.
fn origin(url: &str) -> &str {
    let Some(after_scheme) = strip_scheme(url) else {
        return "";
    };
    let end = after_scheme.find(['/', '?']).unwrap_or(after_scheme.len());
    &url[..url.len() - after_scheme.len() + end]
}

/// `url` without user and password: credentials are sent in a header of their own, if at all.
fn without_user(url: &str) -> String {
    let origin = origin(url);
    match (strip_scheme(origin), origin.rsplit_once('@')) {
        (Some(authority), Some((_, host))) => {
            let mut out = String::from(&origin[..origin.len() - authority.len()]);
            out.push_str(host);
            out.push_str(&url[origin.len()..]);
            out
        }
        _ => String::from(url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtsp::status::StatusCode;

    #[test]
    fn control_attributes_lead_to_urls() {
        let table = [
            ("rtsp://h/cam", None, "rtsp://h/cam"),
            ("rtsp://h/cam", Some("*"), "rtsp://h/cam"),
            ("rtsp://h/cam/", Some(""), "rtsp://h/cam/"),
            ("rtsp://h/cam", Some("trackID=1"), "rtsp://h/cam/trackID=1"),
            ("rtsp://h/cam/", Some("trackID=1"), "rtsp://h/cam/trackID=1"),
            ("rtsp://h", Some("trackID=1"), "rtsp://h/trackID=1"),
            (
                "rtsp://h/cam?token=x",
                Some("trackID=1"),
                "rtsp://h/cam?token=x/trackID=1",
            ),
            (
                "rtsp://h/cam?token=x/",
                Some("trackID=1"),
                "rtsp://h/cam?token=x/trackID=1",
            ),
            ("rtsp://h/cam", Some("?track=1"), "rtsp://h/cam?track=1"),
            ("rtsp://h:1/cam/a", Some("/b/track1"), "rtsp://h:1/b/track1"),
            (
                "rtsp://h/cam",
                Some("rtsp://10.0.0.9/x/y"),
                "rtsp://10.0.0.9/x/y",
            ),
            (
                "rtsp://h/cam",
                Some("rtsp://u:p@10.0.0.9/x@y"),
                "rtsp://10.0.0.9/x@y",
            ),
            (
                "rtsp://h/cam",
                Some("track 1\r\nX: y"),
                "rtsp://h/cam/track%201%0D%0AX:%20y",
            ),
        ];
        for (base, control, url) in table {
            assert_eq!(url_of(base, control), url);
        }
    }

    #[test]
    fn the_base_is_what_the_server_says_or_what_was_asked_for() {
        let asked = "rtsp://h/cam";
        let table = [
            (&[][..], asked),
            (&[("Content-Base", "rtsp://h/cam/")], "rtsp://h/cam/"),
            (&[("Content-Location", "rtsp://h/x/")], "rtsp://h/x/"),
            (
                &[
                    ("content-location", "rtsp://h/x"),
                    ("CONTENT-BASE", "rtsp://u:p@h/y"),
                ],
                "rtsp://h/y",
            ),
            (
                &[("Content-Base", " "), ("Content-Location", "/z/")],
                "rtsp://h/z/",
            ),
        ];
        for (headers, base) in table {
            let response = headers
                .iter()
                .fold(Response::new(StatusCode::OK), |response, (name, value)| {
                    response.header(*name, *value)
                });
            assert_eq!(base_of(&response, asked), base, "{headers:?}");
        }
    }
}
