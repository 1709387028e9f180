//! The task of a client: it makes connections, and waits for their ends.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::boxed::Box;
use std::error::Error;
use std::sync::Arc;

use super::error::Outage;
use super::proto::Next;
use super::shared::Shared;
use crate::mux::{self, Mux, Protocol, Report};
use crate::panics::{contain, discard};
use crate::wait::{self, Clock, Step};
use crate::waits::{Entry, Site, Why};

static DRIVER: Site = Site::task("mux", "reconnect");
static WORK: Site = Site::wait("mux", "reconnect", "the end of the connection");

/// The result of an attempt to connect.
pub(super) type Connected<P, E> = Result<(Mux<P>, mux::Unsolicited<P>), E>;

/// Announces the end when the driver's future is dropped, at whatever point.
struct EndOnDrop<P: Protocol>(Arc<Shared<P>>);

impl<P: Protocol> Drop for EndOnDrop<P> {
    fn drop(&mut self) {
        let mut locked = self.0.lock();
        let (state, after) = locked.split();
        state.gone(after);
    }
}

/// Runs a client to its end.
pub(super) fn run<P, C, F, E>(
    shared: Arc<Shared<P>>,
    connect: C,
) -> impl Future<Output = Report> + Send
where
    P: Protocol,
    C: FnMut() -> F + Send,
    F: Future<Output = Connected<P, E>> + Send,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    // Made here, so that a future that is dropped before its first poll ends the client too.
    let running = EndOnDrop(shared);
    async move {
        let shared = running.0.clone();
        let entry = Entry::new(DRIVER.of(&shared.name));
        let mut driver = Driver { shared: &shared, connect, attempt: None, watch: None };
        wait::wait_why(WORK.of(&shared.name), |cx, clock, why| driver.step(cx, clock, why)).await;
        drop((driver, entry, running));
        let report = shared.lock().report.clone();
        report.expect("the driver is gone")
    }
}

struct Driver<'a, P: Protocol, C, F> {
    shared: &'a Shared<P>,
    connect: C,
    attempt: Option<Pin<Box<F>>>,
    watch: Option<Watch>,
}

/// The connection, and a future that ends with it.
struct Watch {
    connection: u64,
    end: Pin<Box<dyn Future<Output = Report> + Send>>,
}

impl<P, C, F, E> Driver<'_, P, C, F>
where
    P: Protocol,
    C: FnMut() -> F,
    F: Future<Output = Connected<P, E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    fn step(&mut self, cx: &mut Context<'_>, clock: Clock, why: &mut Why) -> Step<()> {
        loop {
            let (next, until) = {
                let mut locked = self.shared.lock();
                let (state, after) = locked.split();
                state.driver.register(cx, &mut after.wakers);
                state.poll_next(clock.now(), after)
            };
            if !matches!(next, Next::Connecting) {
                discard(self.attempt.take());
            }
            if !matches!(next, Next::Connected { .. } | Next::Close(_)) {
                self.watch = None;
            }
            match next {
                Next::Connect => match contain(|| Box::pin((self.connect)())) {
                    Ok(attempt) => self.attempt = Some(attempt),
                    Err(text) => self.failed(clock, Outage::Panicked(text.into())),
                },
                Next::Connecting => {
                    if self.poll_attempt(cx, clock).is_pending() {
                        why.set_what(Some("a connection"));
                        return Step::Wait { until };
                    }
                }
                Next::Connected { drain } => {
                    if drain {
                        self.drain();
                    }
                    let Some(Watch { connection, end }) = &mut self.watch else {
                        unreachable!("a connection is watched");
                    };
                    match end.as_mut().poll(cx) {
                        Poll::Ready(report) => {
                            self.shared.ended(*connection, report.end, clock.now());
                            self.watch = None;
                        }
                        Poll::Pending => return Step::Wait { until },
                    }
                }
                Next::Wait => {
                    why.set_what(Some("its next attempt to connect"));
                    return Step::Wait { until };
                }
                Next::Close(_) => {
                    // The connection was aborted, or had ended: its loops are soon gone.
                    if let Some(Watch { end, .. }) = &mut self.watch
                        && end.as_mut().poll(cx).is_pending()
                    {
                        return Step::Wait { until: None };
                    }
                    return Step::Done(());
                }
            }
        }
    }

    /// Polls the attempt to connect, and takes its result.
    fn poll_attempt(&mut self, cx: &mut Context<'_>, clock: Clock) -> Poll<()> {
        let attempt = self.attempt.as_mut().expect("an attempt that is being made is there");
        match contain(|| attempt.as_mut().poll(cx)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(Ok((mux, unsolicited)))) => {
                let watched = mux.clone();
                let connected = self.shared.connected(mux, unsolicited, clock.now());
                self.watch = connected.map(|connection| Watch {
                    connection,
                    end: Box::pin(async move { watched.ended().await }),
                });
            }
            Ok(Poll::Ready(Err(error))) => {
                self.failed(clock, Outage::Connect(error.into().into()));
            }
            Err(text) => self.failed(clock, Outage::Panicked(text.into())),
        }
        Poll::Ready(())
    }

    fn failed(&self, clock: Clock, outage: Outage) {
        self.shared.change(|core| core.handle_failed(clock.now(), outage));
    }

    /// Has the connection end when its calls have, unless it is over.
    fn drain(&self) {
        let mux = self.shared.lock().connection.as_ref().map(|(_, mux)| mux.clone());
        if let Some(mux) = mux {
            mux.shared.drain(None);
        }
    }
}
