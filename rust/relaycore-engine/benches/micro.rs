//! Times of what does not depend on sockets: `cargo bench -p relaycore-engine --bench micro`.

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

mod work;

use work::{Handing, Walking};

fn streams(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("streams");
    let mut walking = Walking::default();
    group.bench_function("walk of 100 cursors", |bencher| {
        bencher.iter(|| black_box(&mut walking).walk());
    });
}

fn frames(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("frames");
    let handing = Handing::default();
    group.bench_function("handoff", |bencher| {
        bencher.iter(|| black_box(&handing).hand());
    });
}

criterion_group!(benches, streams, frames);
criterion_main!(benches);
