//! What the system says of a process: CPU time, bytes written, peak memory.
//!
//! Units: CPU in microseconds, user and system together, of all threads, those that ended included, as precise as the system's tick;
//! bytes to disk are those sent to the storage layer; memory in bytes.
//! Errors: a process that is gone, or a file of another form.
//! Source: proc(5): `/proc/PID/stat` fields 14 and 15, `/proc/PID/io` `write_bytes`, `/proc/PID/status` `VmHWM`, `/proc/loadavg`.

use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};

/// Place of `utime` among the fields that follow the program's name, which is the second.
const UTIME: usize = 11;
const US_PER_S: u64 = 1_000_000;
const BYTES_PER_KIB: u64 = 1_024;

/// A running process.
#[derive(Clone, Debug)]
pub(super) struct Process(PathBuf);

impl Process {
    pub(super) fn new(pid: u32) -> Self {
        Self(Path::new("/proc").join(pid.to_string()))
    }

    /// CPU used since it began.
    pub(super) fn cpu_us(&self) -> Result<u64> {
        let ticks = cpu_ticks(&self.read("stat")?).context("a stat file of another form")?;
        Ok(ticks.saturating_mul(US_PER_S) / rustix::param::clock_ticks_per_second().max(1))
    }

    /// Bytes it had the storage layer write since it began.
    pub(super) fn written_bytes(&self) -> Result<u64> {
        field(&self.read("io")?, "write_bytes:").context("an io file of another form")
    }

    /// The most memory it ever had in use.
    pub(super) fn peak_bytes(&self) -> Result<u64> {
        let kib =
            field(&self.read("status")?, "VmHWM:").context("a status file of another form")?;
        Ok(kib.saturating_mul(BYTES_PER_KIB))
    }

    fn read(&self, file: &str) -> Result<String> {
        let path = self.0.join(file);
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }
}

/// User and system time of a `stat` line. The program's name may hold anything, so what follows its last parenthesis counts.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(UTIME);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    user.checked_add(system)
}

/// The number behind a name at the start of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// The load average of the last minute.
pub(super) fn load_average() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "4242 (falaj) S 1 4242 4242 0 -1 4194304 5512 0 3 0 731 269 0 0 20 0 17 0 884411 98304 5000";

    #[test]
    fn cpu_is_user_and_system_time() {
        assert_eq!(cpu_ticks(STAT), Some(1_000));
    }

    // Goal: a program's name cannot shift the fields.
    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let odd = STAT.replace("(falaj)", "(a) b (c d)");
        assert_eq!(cpu_ticks(&odd), Some(1_000));
    }

    #[test]
    fn what_is_cut_short_has_no_cpu_time() {
        for text in ["", "4242 (falaj", "4242 (falaj) S 1 2 3"] {
            assert_eq!(cpu_ticks(text), None, "{text}");
        }
    }

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let io = "rchar: 9\nwchar: 8\nread_bytes: 7\nwrite_bytes: 4096\ncancelled_write_bytes: 3\n";
        assert_eq!(field(io, "write_bytes:"), Some(4_096));
        assert_eq!(
            field("VmPeak:\t 9 kB\nVmHWM:\t  120 kB\n", "VmHWM:"),
            Some(120)
        );
        assert_eq!(field(io, "missing:"), None);
        assert_eq!(field("write_bytes: many\n", "write_bytes:"), None);
    }

    // Goal: the files of this very system have the form that is read.
    #[test]
    fn a_process_reads_itself() {
        let process = Process::new(std::process::id());
        assert!(process.cpu_us().is_ok());
        assert!(process.written_bytes().is_ok());
        assert!(process.peak_bytes().unwrap() > 0);
        assert!(load_average().is_some());
    }

    #[test]
    fn a_process_that_is_gone_is_an_error() {
        assert!(Process::new(u32::MAX).cpu_us().is_err());
    }
}
