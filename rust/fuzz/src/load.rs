//! Servers under a load test: whatever they send, a reader comes to an end or goes on, and what it counts agrees.

use relaycore_load::fuzzing;

/// Packets of a stream, in whatever state a server passes them on.
pub fn load_packets(data: &[u8]) {
    fuzzing::packets(data);
}

/// All that a server sends on a connection.
pub fn load_reader(data: &[u8]) {
    fuzzing::reader(data);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_of_the_corpus_play() {
        let inputs = [
            (include_bytes!("../corpus/load_reader/plays").as_slice(), 5),
            (include_bytes!("../corpus/load_reader/plays_in_pieces"), 5),
            (include_bytes!("../corpus/load_reader/stalled"), 1),
            (include_bytes!("../corpus/load_reader/asks_with_digest"), 2),
            (
                include_bytes!("../corpus/load_reader/redirects_while_it_plays"),
                6,
            ),
            (include_bytes!("../corpus/load_reader/unknown_channels"), 1),
            (
                include_bytes!("../corpus/load_reader/requests_between_packets"),
                2,
            ),
        ];
        for (input, expected) in inputs {
            assert_eq!(fuzzing::reader(input), expected);
        }
    }
}
