//! Sequence parameter sets of x264 against the `h264-reader` crate.

mod support;

use h264_reader::nal::sps::SeqParameterSet;
use h264_reader::nal::{Nal, RefNal};
use relaycore_proto::annexb::nal_units;
use relaycore_proto::h264::{Sps, nal_type, type_of};
use support::{Random, golden};

const STREAMS: [&str; 8] = [
    "anamorphic_bt709",
    "baseline_zerolatency",
    "high422_10bit",
    "high444",
    "high_full_range",
    "interlaced_hrd",
    "intra_refresh",
    "main_b_frames",
];

fn parameter_set(stream: &str) -> Vec<u8> {
    let bytes = golden(&format!("h264/{stream}.h264"));
    let mut sets = nal_units(&bytes).filter(|nal| type_of(nal[0]) == nal_type::SPS);
    sets.next().expect("a sequence parameter set").to_vec()
}

#[test]
fn both_read_the_same() {
    for stream in STREAMS {
        let nal = parameter_set(stream);
        let ours = Sps::parse(&nal).unwrap();
        let theirs = SeqParameterSet::from_bits(RefNal::new(&nal, &[], true).rbsp_bits()).unwrap();
        assert_same(stream, &ours, &theirs);
    }
}

#[test]
fn both_read_the_same_after_a_flipped_bit() {
    let mut random = Random::new(3);
    let mut compared = 0;
    for stream in STREAMS {
        let nal = parameter_set(stream);
        for _ in 0..500 {
            let mut nal = nal.clone();
            let bit = 32 + random.below(nal.len() * 8 - 32);
            nal[bit / 8] ^= 0x80 >> (bit % 8);
            let ours = Sps::parse(&nal);
            let theirs = SeqParameterSet::from_bits(RefNal::new(&nal, &[], true).rbsp_bits());
            if let (Ok(ours), Ok(theirs)) = (ours, theirs)
                && theirs.pixel_dimensions().is_ok()
            {
                assert_same(stream, &ours, &theirs);
                compared += 1;
            }
        }
    }
    assert!(compared > 500, "{compared} were valid for both");
}

#[test]
fn the_values_are_those_the_encoder_was_told() {
    let sps = |stream| Sps::parse(&parameter_set(stream)).unwrap();
    let baseline = sps("baseline_zerolatency");
    assert_eq!((baseline.width, baseline.height), (320, 180));
    assert_eq!(baseline.profile_level_id(), [66, 0xc0, 11]);
    assert_eq!(baseline.frame_rate, Some((10, 1)));
    assert_eq!(baseline.max_num_reorder_frames, Some(0));
    assert_eq!(sps("main_b_frames").max_num_reorder_frames, Some(2));
    let full = sps("high_full_range");
    assert_eq!(
        (full.width, full.height, full.full_range),
        (162, 94, Some(true))
    );
    let deep = sps("high422_10bit");
    assert_eq!((deep.chroma_format_idc, deep.bit_depth_luma), (2, 10));
    assert!(sps("interlaced_hrd").interlaced);
    let colour = sps("anamorphic_bt709");
    assert_eq!(
        colour
            .colour
            .map(|(primaries, _, matrix)| (primaries, matrix)),
        Some((1, 1))
    );
    assert_eq!(colour.sample_aspect_ratio, Some((3, 4)));
}

fn assert_same(stream: &str, ours: &Sps, theirs: &SeqParameterSet) {
    assert_eq!(
        theirs.pixel_dimensions().ok(),
        Some((ours.width, ours.height)),
        "{stream}"
    );
    assert_eq!(u8::from(theirs.profile_idc), ours.profile_idc, "{stream}");
    assert_eq!(theirs.level_idc, ours.level_idc, "{stream}");
    assert_eq!(
        theirs.max_num_ref_frames, ours.max_num_ref_frames,
        "{stream}"
    );
    let Some(usability) = &theirs.vui_parameters else {
        return;
    };
    let range = usability
        .video_signal_type
        .as_ref()
        .map(|signal| signal.video_full_range_flag);
    assert_eq!(range, ours.full_range, "{stream}");
    let restrictions = usability.bitstream_restrictions.as_ref();
    let reorder = restrictions.map(|restrictions| restrictions.max_num_reorder_frames);
    assert_eq!(reorder, ours.max_num_reorder_frames, "{stream}");
    if let (Some(timing), Some((numerator, denominator))) =
        (&usability.timing_info, ours.frame_rate)
    {
        let theirs = u64::from(timing.time_scale) * u64::from(denominator);
        let ours = u64::from(timing.num_units_in_tick) * 2 * u64::from(numerator);
        assert_eq!(theirs, ours, "{stream}");
    }
}
