//! MPEG transport streams (ITU-T H.222.0): packets of 188 bytes, and where a reader can start.

/// Bytes of a packet.
pub const PACKET_BYTES: usize = 188;

/// First byte of each packet.
pub const SYNC: u8 = 0x47;

/// What begins in a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// Nothing.
    Nothing,
    /// A table or an elementary stream's packet.
    Section,
    /// The table from which all others are found, or a random access point of an elementary stream.
    RandomAccess,
}

/// What begins in one packet (sections 2.4.3.2 and 2.4.3.4).
#[must_use]
pub fn begins(packet: &[u8]) -> Begins {
    let &[SYNC, high, low, flags, ..] = packet else {
        return Begins::Nothing;
    };
    let starts = high & 0x40 != 0;
    let pid = u16::from_be_bytes([high & 0x1f, low]);
    let has_adaptation = flags & 0x20 != 0;
    // The adaptation field's length, then its flags: `random_access_indicator` is the second.
    let is_random_access = has_adaptation
        && matches!(packet.get(4..6), Some(&[length, flags]) if length > 0 && flags & 0x40 != 0);
    if is_random_access || (starts && pid == PROGRAM_ASSOCIATION) {
        Begins::RandomAccess
    } else if starts {
        Begins::Section
    } else {
        Begins::Nothing
    }
}

/// Whether a reader can start with these packets, back to back.
#[must_use]
pub fn is_random_access(packets: &[u8]) -> bool {
    packets
        .chunks(PACKET_BYTES)
        .any(|packet| begins(packet) == Begins::RandomAccess)
}

/// Packet identifier of the program association table.
const PROGRAM_ASSOCIATION: u16 = 0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_random_access_points_are_told_apart() {
        let table: [(&[u8], Begins); 9] = [
            (&[0x47, 0x40, 0, 0x10], Begins::RandomAccess),
            (&[0x47, 0x00, 0, 0x10], Begins::Nothing),
            (&[0x47, 0x50, 0, 0x10], Begins::Section),
            (&[0x47, 0x41, 0, 0x30, 7, 0x50], Begins::RandomAccess),
            (&[0x47, 0x41, 0, 0x10, 7, 0x50], Begins::Section),
            (&[0x47, 0x01, 0, 0x30, 0, 0x50], Begins::Nothing),
            (&[0x47, 0x01, 0, 0x30, 7], Begins::Nothing),
            (&[0x48, 0x40, 0, 0x10], Begins::Nothing),
            (&[], Begins::Nothing),
        ];
        for (packet, expected) in table {
            assert_eq!(begins(packet), expected, "{packet:02x?}");
        }
    }
}
