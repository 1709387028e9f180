//! The pool beside a model of it, a list of the stacks and their users, and a probe of every page.

use std::env;
use std::format;
use std::io::{PipeReader, PipeWriter, Read, pipe};
use std::ops::Range;
use std::process::Command;
use std::rc::Rc;
use std::vec::Vec;

use super::{FreeStack, GUARD_PAGES, MAX_WARM, Pool};
use crate::engine::coroutine::stack::system;

/// Asks the system whether memory can be read, without a fault: a system call fails instead.
struct Probe(PipeReader, PipeWriter);

impl Probe {
    fn new() -> Self {
        let (reader, writer) = pipe().unwrap();
        Self(reader, writer)
    }

    fn is_readable(&mut self, address: usize) -> bool {
        use std::os::fd::AsRawFd;
        let byte = core::ptr::with_exposed_provenance(address);
        // SAFETY: the system checks the address.
        let written = unsafe { libc::write(self.1.as_raw_fd(), byte, 1) };
        written == 1 && self.0.read_exact(&mut [0]).is_ok()
    }

    /// The number of readable pages in a range.
    fn readable(&mut self, range: Range<usize>) -> usize {
        range.step_by(system::page_size()).filter(|page| self.is_readable(*page)).count()
    }
}

/// A stack that is in use, or that is kept with its memory.
struct Stack {
    free: Option<FreeStack>,
    slab: Range<usize>,
    range: Range<usize>,
    count: usize,
    mark: u8,
}

impl Stack {
    fn new(free: FreeStack, mark: u8) -> Self {
        let slab = &free.slab;
        let start = slab.start.addr().get();
        let bottom = slab.bottom(free.index).addr().get();
        Self {
            slab: start..start + slab.len,
            range: bottom..bottom + slab.size,
            count: slab.count,
            free: Some(free),
            mark,
        }
    }

    /// The first, the last and one byte between: those that a discard of a neighbour would clear.
    fn marks(&self) -> [*mut u8; 3] {
        let middle = self.range.start + self.range.len() / 2;
        [self.range.start, middle, self.range.end - 1].map(core::ptr::with_exposed_provenance_mut)
    }

    fn is_marked(&self, mark: u8) -> bool {
        // SAFETY: this test has the stack, or the pool keeps its memory.
        self.marks().iter().all(|byte| unsafe { byte.read_volatile() } == mark)
    }
}

#[derive(Default)]
struct Model {
    taken: Vec<Stack>,
    /// The stacks that are kept with their memory.
    warm: Vec<Stack>,
    /// The slabs without a user, which must be gone.
    gone: Vec<Range<usize>>,
    next_mark: u8,
    cold_takes: usize,
    relisted: usize,
}

impl Model {
    fn users(&self, slab: &Range<usize>) -> usize {
        self.taken.iter().chain(&self.warm).filter(|stack| stack.slab == *slab).count()
    }

    fn take(&mut self, pool: &mut Pool, size: usize) {
        // A stack that is free is taken before a slab is reserved.
        let warm = self.warm.iter().any(|stack| stack.range.len() == size);
        let known = self.taken.iter().chain(&self.warm);
        let room: Vec<_> = known
            .filter(|stack| stack.range.len() == size && self.users(&stack.slab) < stack.count)
            .map(|stack| stack.slab.clone())
            .collect();

        self.next_mark = self.next_mark % 250 + 1;
        let stack = Stack::new(pool.take(size).unwrap(), self.next_mark);

        assert_eq!(stack.range.len(), size);
        let guard = GUARD_PAGES * system::page_size();
        assert!(stack.slab.start + guard <= stack.range.start, "a guard outside of the slab");
        assert!(stack.range.end <= stack.slab.end, "a stack outside of the slab");
        for other in &self.taken {
            let apart = other.range.end + guard <= stack.range.start
                || stack.range.end + guard <= other.range.start;
            assert!(apart, "{:?} and {:?}", other.range, stack.range);
        }
        if warm {
            let at = self.warm.iter().position(|other| other.range == stack.range);
            let kept = self.warm.swap_remove(at.expect("one that has its memory"));
            assert!(kept.is_marked(kept.mark), "a free stack was discarded");
        } else {
            assert!(room.is_empty() || room.contains(&stack.slab), "there was a free stack");
            assert!(stack.is_marked(0), "a stack that was returned has kept its memory");
            self.cold_takes += 1;
        }
        for byte in stack.marks() {
            // SAFETY: this test has the stack.
            unsafe { byte.write_volatile(stack.mark) };
        }
        self.gone.retain(|gone| gone.end <= stack.slab.start || stack.slab.end <= gone.start);
        self.taken.push(stack);
    }

    fn put(&mut self, pool: &mut Pool, at: usize) {
        let mut stack = self.taken.swap_remove(at);
        assert!(stack.is_marked(stack.mark), "a stack in use was discarded");
        pool.put(stack.free.take().expect("it is taken"));
        if self.warm.len() < MAX_WARM {
            self.warm.push(stack);
        } else {
            self.relisted += usize::from(self.users(&stack.slab) + 1 == stack.count);
            self.end(&stack.slab);
        }
    }

    fn release(&mut self, pool: &mut Pool) {
        pool.release();
        for stack in core::mem::take(&mut self.warm) {
            self.end(&stack.slab);
        }
    }

    /// A slab has one user less.
    fn end(&mut self, slab: &Range<usize>) {
        if self.users(slab) == 0 {
            self.gone.push(slab.clone());
        }
    }

    /// Every page is as it should be, and so are the pool's lists.
    fn check(&self, pool: &Pool, probe: &mut Probe) {
        assert_eq!(pool.warm.len(), self.warm.len());
        for (at, slab) in pool.slabs.iter().enumerate() {
            let again = pool.slabs[..at].iter().any(|other| Rc::ptr_eq(other, slab));
            assert!(
                !again && !slab.is_full(),
                "a slab is listed once, and only if a stack is free"
            );
        }
        let page = system::page_size();
        for stack in &self.taken {
            assert!(stack.is_marked(stack.mark), "a stack in use was discarded");
            let guard = stack.range.start - GUARD_PAGES * page..stack.range.start;
            assert_eq!(probe.readable(guard), 0, "the guard of {:?}", stack.range);
            // All pages of a small one, both ends of a large one.
            let ends = [stack.range.start, stack.range.end - 8 * page];
            for start in ends {
                assert_eq!(probe.readable(start..start + 8 * page), 8, "{:?}", stack.range);
            }
        }
        for slab in &self.gone {
            let step = slab.len() / 16;
            let readable = slab.clone().step_by(step).filter(|page| probe.is_readable(*page));
            assert!(readable.count() < 8, "a slab without users is still there");
        }
    }
}

/// Numbers that look random: the xorshift generator of Marsaglia.
fn random(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 11) as usize
}

/// In a process of its own, where no other thread maps memory at the place of a slab that has gone.
#[test]
fn the_pool_does_what_a_simple_list_would_do() {
    const CASE: &str = "PUSHDOWN_CASE";
    if env::var_os(CASE).is_none() {
        let (_, module) = module_path!().split_once("::").unwrap();
        let test = format!("{module}::the_pool_does_what_a_simple_list_would_do");
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", &test, "--nocapture"])
            .env(CASE, "1")
            .output()
            .unwrap();
        let stdout = std::string::String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && stdout.contains("1 passed"), "{output:?}");
        return;
    }

    // A slab has 1, 3, 7 and 481 stacks of these sizes, in pages of 4 KiB.
    let sizes = [16_385, 5_000, 2_000, 18].map(|pages| pages * system::page_size());
    let (mut relisted, mut cold_takes) = (0, 0);
    for seed in 1..=20_u64 {
        let mut probe = Probe::new();
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let (mut pool, mut model) = (Pool::new(), Model::default());
        for step in 0..600 {
            // Grows to some 150 stacks, shrinks, and so on.
            let grows = random(&mut state) % 8 < if step / 150 % 2 == 0 { 7 } else { 1 };
            match random(&mut state) % 200 {
                0 => model.release(&mut pool),
                _ if grows => {
                    let size = sizes[random(&mut state) % sizes.len()];
                    model.take(&mut pool, size);
                }
                _ if model.taken.is_empty() => {}
                _ => {
                    let at = random(&mut state) % model.taken.len();
                    model.put(&mut pool, at);
                }
            }
            if step % 50 == 0 {
                model.check(&pool, &mut probe);
            }
        }
        while !model.taken.is_empty() {
            model.put(&mut pool, 0);
        }
        model.release(&mut pool);
        model.check(&pool, &mut probe);
        assert!(pool.slabs.is_empty() && pool.warm.is_empty());
        relisted += model.relisted;
        cold_takes += model.cold_takes;
    }
    assert!(relisted > 20 && cold_takes > 200, "{relisted}, {cold_takes}");
}
