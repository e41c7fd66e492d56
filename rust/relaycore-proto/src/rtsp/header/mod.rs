//! Values of the headers that have a form of their own, one header a file.

pub mod range;
pub mod rtp_info;
pub mod session;
pub mod transport;

pub use range::{NptTime, Range, RangeError};
pub use rtp_info::Entry;
pub use session::Session;
pub use transport::{Mode, Profile, Transport};
