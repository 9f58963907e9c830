//! Ctrl-C and SIGTERM: the first asks for an orderly end, the second ends at once.

use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// The flag that a signal sets.
static CANCELLED: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| {
    let cancelled = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the second signal finds the flag set by the first. Where the system
        // refuses, a signal ends the process at once.
        let _ = flag::register_conditional_shutdown(signal, 130, cancelled.clone());
        let _ = flag::register(signal, cancelled.clone());
    }
    cancelled
});

/// The flag that a signal sets, from now on.
pub fn cancelled() -> Arc<AtomicBool> {
    CANCELLED.clone()
}
