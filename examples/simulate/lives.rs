//! Many years at once: one at a time on each core.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use core_affinity::CoreId;

use crate::run::{Broken, Plan, Summary, live};

/// Lives through years, and hands each outcome on when it is there, with the seconds that it took.
///
/// A year and the thread of its database wait for each other at each statement. On one core they hand
/// over without waking another one, which takes two thirds of the time.
pub(crate) fn live_all(
    plans: &[Plan],
    each: impl FnMut(Plan, Result<Summary, Broken>, f64) + Send,
) {
    let next = AtomicUsize::new(0);
    let each = Mutex::new(each);
    let lives = |core: Option<CoreId>| {
        if let Some(core) = core {
            core_affinity::set_for_current(core);
        }
        while let Some(plan) = plans.get(next.fetch_add(1, Ordering::Relaxed)) {
            #[expect(
                clippy::disallowed_methods,
                reason = "how long a year takes is no part of it"
            )]
            let began = Instant::now();
            let lived = live(*plan, None, |_| {});
            (each.lock().unwrap())(*plan, lived, began.elapsed().as_secs_f64());
        }
    };
    let cores = core_affinity::get_core_ids()
        .map_or_else(|| vec![None], |cores| cores.into_iter().map(Some).collect());
    std::thread::scope(|scope| {
        let lives = &lives;
        for core in cores {
            scope.spawn(move || lives(core));
        }
    });
}
