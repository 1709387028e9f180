//! The memory of a queue.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::policy::Policy;
use super::{BATCH_EVENTS, Cursor, Deferred, Queue, Read, Registry};

/// A reader at half the speed of the publisher: what it takes are events here and there in the log.
#[test]
fn a_slow_reader_keeps_memory_in_proportion_to_what_is_queued() {
    const CAPACITY: usize = 1000;
    for policy in
        [Policy::drop_newest(CAPACITY), Policy::disconnect(CAPACITY, Duration::from_secs(1))]
    {
        let mut registry = Registry::new();
        let queue = Rc::new(RefCell::new(Queue::<u64>::new(policy)));
        let id = registry.subscribe(queue.clone());
        let mut cursor = Cursor::new();
        for event in 1..=20 * CAPACITY as u64 {
            let mut deferred = Deferred::default();
            registry.publish(Arc::new(event), 8, Instant::now, &mut deferred);
            let read = (event % 2 == 0)
                .then(|| queue.borrow_mut().poll_read(&mut cursor, || registry.published()));
            if let Some(Read::Event { room: true, .. }) = read {
                registry.handle_room_made(id);
            }
            cursor.clear();
        }
        let (events, places, segments) = queue.borrow().memory();
        println!("{events} events in {places} places and {segments} segments");
        assert!((CAPACITY - BATCH_EVENTS as usize..=CAPACITY).contains(&events), "{events}");
        // A place for each event, one for the gap before it, and as many to grow into.
        assert!(places <= 4 * CAPACITY, "{places}");
        assert!(segments <= 1, "{segments}");
        for _ in 0..2 * CAPACITY {
            let _ = queue.borrow_mut().poll_read(&mut cursor, || registry.published());
        }
        let (events, places, _) = queue.borrow().memory();
        assert_eq!(events, 0);
        assert!(places <= 64, "{places} places for no event");
    }
}
