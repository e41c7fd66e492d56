//! Formats as publishers describe them.

use alloc::string::String;
use alloc::vec::Vec;

/// How the publisher of a track described its format in SDP. Readers are told the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ForeignFormat {
    /// Media type of the `m=` line: `video`, `audio`, `application`...
    pub media: String,
    /// Encoding name of `a=rtpmap`, or that of the static payload type.
    pub encoding: String,
    /// Parameters of `a=fmtp`, as one text without the payload type; `None` when there was no such line.
    pub fmtp: Option<String>,
    /// Other attributes of the section that describe the media, without `a=`: `framesize:96 640-480`.
    pub attributes: Vec<String>,
}

impl ForeignFormat {
    /// Value of the parameter of `a=fmtp` called `name`, in any case.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Names and values of the parameters of `a=fmtp`, in order. A value is empty where there is no `=`.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        parameters(self.fmtp.as_deref().unwrap_or(""))
    }
}

/// Names and values in the text of an `a=fmtp` line.
pub(crate) fn parameters(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(';')
        .map(str::trim)
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            (name.trim(), value.trim())
        })
}
