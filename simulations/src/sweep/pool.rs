//! Many tasks on a few threads; who hears the results is one thread.
//!
//! Invariant: each task is worked on once; results come in the order in which they are ready, until who hears them has heard enough.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

/// Works on each task with `jobs` threads, as long as `ended` wants another result.
pub fn each<T: Sync, R: Send>(
    tasks: &[T],
    jobs: usize,
    work: impl Fn(&T) -> R + Sync,
    mut ended: impl FnMut(R) -> bool,
) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let (sender, results) = channel();
        for _ in 0..jobs.max(1) {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || {
                while let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if sender.send(work(task)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for result in results {
            if !ended(result) {
                return;
            }
        }
    });
}
