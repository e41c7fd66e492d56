//! Random numbers from the operating system: SSRCs, sequence numbers and session ids (RFC 3550 §8, RFC 2326 §3.4).

/// A random number that nobody can guess.
///
/// # Panics
/// When the operating system has no randomness, which it promises to have.
pub(crate) fn random_u64() -> u64 {
    getrandom::u64().expect("the operating system gives random numbers")
}

/// As [`random_u64`], in 32 bits.
pub(crate) fn random_u32() -> u32 {
    getrandom::u32().expect("the operating system gives random numbers")
}

/// A session id: 16 hexadecimal digits.
pub(crate) fn session_id() -> String {
    format!("{:016x}", random_u64())
}
