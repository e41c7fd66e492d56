//! A reader without a connection, for fuzz targets: what would come on it is given to the reader.

use super::{Context, Reader};

impl Reader<'_> {
    /// Begins a session whose connection is there at once.
    pub(crate) fn begin_made_up(&mut self, now: u64, context: &mut Context<'_>) {
        self.make_session(now, context);
        self.attend(now, context);
    }

    /// Takes bytes as if they had been read; `false` once the session is over.
    pub(crate) fn feed(&mut self, data: &[u8], now: u64, context: &mut Context<'_>) -> bool {
        let Some(session) = &mut self.session else {
            return false;
        };
        if session.is_stalled {
            return true;
        }
        let kept = session.partial.len();
        let count = kept + data.len();
        context.buffer[..kept].copy_from_slice(&session.partial);
        context.buffer[kept..count].copy_from_slice(data);
        session.partial.clear();
        self.received(count, now, context);
        self.attend(now, context);
        self.session.is_some()
    }

    /// Says that the server has gone.
    pub(crate) fn hang_up(&mut self, now: u64, context: &mut Context<'_>) {
        if let Some(session) = &mut self.session {
            session.call.client.disconnected(now);
            self.attend(now, context);
        }
    }

    /// Does what the client wants: connections are there at once, and what it says is gone.
    fn attend(&mut self, now: u64, context: &mut Context<'_>) {
        self.advance(now, context);
        if let Some(session) = &mut self.session {
            session.call.make_up(now);
        }
    }
}
