//! Runs a GStreamer pipeline as gst-launch-1.0 does, with the element rtspsrc2 built in: Debian 12 has no plugin with it.
//!
//! `play-rtspsrc2 PIPELINE` ends with status 0 at the end of the stream, and with an error otherwise.

use std::error::Error;

use gst::prelude::*;

/// How long the pipeline may run.
const LIMIT: gst::ClockTime = gst::ClockTime::from_seconds(40);

fn main() -> Result<(), Box<dyn Error>> {
    let description = std::env::args()
        .nth(1)
        .ok_or("usage: play-rtspsrc2 PIPELINE")?;
    gst::init()?;
    gstrsrtsp::plugin_register_static()?;

    let pipeline = gst::parse::launch(&description)?;
    let bus = pipeline.bus().ok_or("the pipeline has no bus")?;
    pipeline.set_state(gst::State::Playing)?;
    let ends = [gst::MessageType::Eos, gst::MessageType::Error];
    let message = bus.timed_pop_filtered(LIMIT, &ends);
    pipeline.set_state(gst::State::Null)?;

    match message.as_ref().map(|message| message.view()) {
        Some(gst::MessageView::Eos(_)) => Ok(()),
        Some(gst::MessageView::Error(error)) => {
            Err(format!("{}: {:?}", error.error(), error.debug()).into())
        }
        _ => Err(format!("no end of the stream within {LIMIT}").into()),
    }
}
