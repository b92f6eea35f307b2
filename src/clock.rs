//! The one place that reads clocks and seeds randomness.

use std::time::{Duration, Instant, SystemTime};

use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::instant::Millis;

/// The wall clock, or one that runs faster for the demo.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    /// What the machine says.
    Wall,
    /// Started at an instant, and runs at `speed` times the machine's monotonic clock.
    Fast {
        /// The instant at which it started.
        from: Millis,
        /// The machine's clock at that moment.
        started: Instant,
        /// How many of its seconds pass in one.
        speed: u32,
    },
}

impl Clock {
    /// A fast clock that shows `from` now.
    pub fn fast(from: Millis, speed: u32) -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the clock")]
        let started = Instant::now();
        Self::Fast {
            from,
            started,
            speed,
        }
    }

    /// What it shows.
    pub fn now(&self) -> Millis {
        match self {
            #[expect(clippy::disallowed_methods, reason = "this is the clock")]
            Self::Wall => SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .map_or(0, millis),
            Self::Fast {
                from,
                started,
                speed,
            } => from + millis(started.elapsed() * *speed),
        }
    }

    /// How long to wait until it shows `at`.
    pub fn until(&self, at: Millis) -> Duration {
        let wait = Duration::from_millis(u64::try_from(at - self.now()).unwrap_or_default());
        match self {
            Self::Wall => wait,
            Self::Fast { speed, .. } => wait / *speed,
        }
    }
}

fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

/// A random source seeded by the operating system, good enough for names that nobody may guess.
pub fn random() -> StdRng {
    let mut seed = <StdRng as SeedableRng>::Seed::default();
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where randomness comes from"
    )]
    rand::rng().fill_bytes(&mut seed);
    StdRng::from_seed(seed)
}
