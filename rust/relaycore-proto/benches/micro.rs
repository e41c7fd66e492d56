//! Times of what a packet goes through: `cargo bench -p relaycore-proto`.

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

mod work;

use work::Work;

fn packets(criterion: &mut Criterion) {
    let work = Work::default();
    let mut group = criterion.benchmark_group("packets");
    group.bench_function("packetise", |bencher| {
        bencher.iter(|| black_box(&work).packetise());
    });
    group.bench_function("depacketise", |bencher| {
        bencher.iter(|| black_box(&work).depacketise());
    });
    group.bench_function("parse interleaved", |bencher| {
        bencher.iter(|| black_box(&work).parse_interleaved());
    });
}

fn messages(criterion: &mut Criterion) {
    let work = Work::default();
    let mut group = criterion.benchmark_group("messages");
    group.bench_function("parse request", |bencher| {
        bencher.iter(|| black_box(&work).parse_request());
    });
    group.bench_function("parse report", |bencher| {
        bencher.iter(|| black_box(&work).parse_report());
    });
}

criterion_group!(benches, packets, messages);
criterion_main!(benches);
