//! Bytes as a client may send them once it is connected: chunks, one after the other.

use super::channel::Channel;
use super::frame::{self, Frame, HEADER, Kind, Part};
use super::opening::Opening;

/// What the library says that it takes.
const LARGEST: usize = 65_536;

/// Reads them as the relay does; what is refused is refused with an ERR that is itself in order.
pub fn front_door(mut bytes: &[u8]) {
    let mut channel = Channel::default();
    while let Some((header, rest)) = bytes.split_first_chunk::<HEADER>() {
        let frame = match Frame::parse(*header, LARGEST) {
            Ok(frame) => frame,
            Err(status) => {
                let farewell = frame::error(status);
                let told = farewell.first_chunk().map(|it| Frame::parse(*it, 0));
                let is_in_order = |it: Frame| it.kind == Kind::Error && it.size == farewell.len();
                assert!(told.is_some_and(|it| it.is_ok_and(is_in_order)));
                return;
            }
        };
        assert!((HEADER..=LARGEST).contains(&frame.size));
        assert!(frame.part == Part::Last || frame.kind == Kind::Message);
        let Some((body, after)) = rest.split_at_checked(frame.size - HEADER) else {
            return;
        };
        if frame.kind == Kind::Opening
            && let Ok(opening) = Opening::parse(body)
        {
            assert!(opening.chain.len() <= body.len());
            let _ = channel.asked(&opening);
            // An answer looks like it.
            channel.opened(body);
        }
        if frame.kind == Kind::Message {
            let _ = channel.sent(body);
        }
        bytes = after;
    }
}
