//! Plays an RTSP stream with retina and keeps its H.264 video as an Annex B file.
//!
//! `play-retina tcp|udp URL ACCESS_UNITS OUTPUT` ends with status 0 once that many video access units are written, and
//! prints `video=N audio=N lost=N`: what came, and the RTP packets that did not.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::time::Duration;

use futures::StreamExt;
use retina::client::{PlayOptions, Session, SessionOptions, SetupOptions, Transport};
use retina::codec::{CodecItem, FrameFormat};

/// How long a stream may take to bring what was asked for.
const LIMIT: Duration = Duration::from_secs(40);

struct Arguments {
    transport: Transport,
    url: url::Url,
    access_units: u64,
    output: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = arguments()?;
    tokio::time::timeout(LIMIT, play(arguments)).await?
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let usage = "usage: play-retina tcp|udp URL ACCESS_UNITS OUTPUT";
    let mut words = std::env::args().skip(1);
    let mut next = || words.next().ok_or(usage);
    let transport = match next()?.as_str() {
        "tcp" => Transport::Tcp(Default::default()),
        "udp" => Transport::Udp(Default::default()),
        _ => return Err(usage.into()),
    };
    Ok(Arguments {
        transport,
        url: next()?.parse()?,
        access_units: next()?.parse()?,
        output: next()?,
    })
}

async fn play(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let mut output = BufWriter::new(File::create(&arguments.output)?);
    let mut session = Session::describe(arguments.url, SessionOptions::default()).await?;
    for track in 0..session.streams().len() {
        let options = SetupOptions::default()
            .transport(arguments.transport.clone())
            .frame_format(FrameFormat::SIMPLE);
        session.setup(track, options).await?;
    }
    let mut items = session.play(PlayOptions::default()).await?.demuxed()?;

    let (mut video, mut audio, mut lost) = (0, 0, 0);
    while video < arguments.access_units {
        match items.next().await.ok_or("the stream ended")?? {
            CodecItem::VideoFrame(access_unit) => {
                output.write_all(access_unit.data())?;
                lost += u64::from(access_unit.loss());
                video += 1;
            }
            CodecItem::AudioFrame(access_unit) => {
                lost += u64::from(access_unit.loss());
                audio += 1;
            }
            _ => {}
        }
    }
    output.flush()?;
    println!("video={video} audio={audio} lost={lost}");
    Ok(())
}
