//! What a reader costs while it reads and nothing else happens: a write, and no memory.
#![cfg(unix)]

mod counting;
mod readers;

use counting::allocations;
use readers::{FanOut, Transport};
use std::sync::{Mutex, PoisonError};

const FEW: usize = 10;
const MANY: usize = 60;

/// Pictures until all buffers have the size that they need.
const WARM_UP: usize = 20;

const PICTURES: usize = 50;

/// Allocations of one engine are counted at a time.
static COUNTING: Mutex<()> = Mutex::new(());

/// Allocations that the shard makes for so many pictures.
fn counted(transport: Transport, readers: usize) -> u64 {
    let _guard = COUNTING.lock().unwrap_or_else(PoisonError::into_inner);
    counting::leave_out_this_thread();
    let mut fan_out = FanOut::open(transport, readers);
    (0..WARM_UP).for_each(|_| fan_out.burst());
    let before = allocations();
    (0..PICTURES).for_each(|_| fan_out.burst());
    allocations() - before
}

#[track_caller]
fn assert_costs_nothing(transport: Transport) {
    let (few, many) = (counted(transport, FEW), counted(transport, MANY));
    // What a picture costs, whoever reads it, may fall on either side of the border between two of them.
    assert!(
        many < few + (MANY - FEW) as u64,
        "{few} allocations for {FEW} readers of {PICTURES} pictures, {many} for {MANY}"
    );
}

#[test]
fn readers_over_tcp_allocate_nothing_while_they_read() {
    assert_costs_nothing(Transport::Tcp);
}

#[test]
fn readers_of_datagrams_allocate_nothing_while_they_read() {
    assert_costs_nothing(Transport::Udp);
}
