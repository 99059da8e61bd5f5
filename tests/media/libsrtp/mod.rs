//! libsrtp2, built from the C file here and loaded; none where a compiler or its headers are not there.

#![expect(unsafe_code, reason = "calls into C")]

use libloading::{Library, Symbol};
use squelch_media::srtp::{MasterKey, Suite};
use std::ffi::{c_int, c_void};
use std::path::Path;
use std::process::Command;

/// What libsrtp2 shall do with a packet.
#[derive(Clone, Copy)]
pub(crate) enum Task {
    ProtectRtp = 0,
    UnprotectRtp = 1,
    ProtectRtcp = 2,
    UnprotectRtcp = 3,
}

/// A pair of sessions with one key.
pub(crate) struct Libsrtp {
    state: *mut c_void,
    run: unsafe extern "C" fn(*mut c_void, c_int, *mut c_void, c_int) -> c_int,
    free: unsafe extern "C" fn(*mut c_void),
    _library: Library,
}

/// The most that a packet grows (SRTP_MAX_TRAILER_LEN is 144 in libsrtp 2.5).
const ROOM: usize = 160;

impl Libsrtp {
    /// **Errors**: what is lacking.
    pub(crate) fn new(key: &MasterKey) -> Result<Libsrtp, String> {
        let library = build()?;
        let mut bytes: Vec<u8> = key.expose().collect();
        let suite = match key.suite() {
            Suite::AesCm128HmacSha1_80 => 0,
            Suite::AesCm128HmacSha1_32 => 1,
            Suite::AeadAes128Gcm => 2,
            Suite::AeadAes256Gcm => 3,
        };
        // SAFETY: the types are those of libsrtp2.c; the key is as long as its suite's.
        unsafe {
            let new: Symbol<unsafe extern "C" fn(c_int, *mut u8) -> *mut c_void> = library
                .get(b"peer_new")
                .map_err(|error| error.to_string())?;
            let state = new(suite, bytes.as_mut_ptr());
            if state.is_null() {
                return Err(format!("libsrtp2 has no {}", key.suite().name()));
            }
            Ok(Libsrtp {
                state,
                run: *library
                    .get(b"peer_run")
                    .map_err(|error| error.to_string())?,
                free: *library
                    .get(b"peer_free")
                    .map_err(|error| error.to_string())?,
                _library: library,
            })
        }
    }

    /// The packet as libsrtp2 makes it; `None` where it refuses.
    pub(crate) fn run(&mut self, task: Task, packet: &[u8]) -> Option<Vec<u8>> {
        let mut buffer = packet.to_vec();
        buffer.resize(packet.len() + ROOM, 0);
        // SAFETY: the buffer has room for all that the packet may grow; the state lives.
        let len = unsafe {
            (self.run)(
                self.state,
                task as c_int,
                buffer.as_mut_ptr().cast(),
                packet.len() as c_int,
            )
        };
        buffer.truncate(usize::try_from(len).ok()?);
        Some(buffer)
    }
}

impl Drop for Libsrtp {
    fn drop(&mut self) {
        // SAFETY: made by peer_new, and freed once.
        unsafe { (self.free)(self.state) }
    }
}

fn build() -> Result<Library, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/media/libsrtp/libsrtp2.c");
    // Tests run side by side: each builds its own.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).map_err(|e| e.to_string())?;
    let built = folder.path().join("libsrtp2.so");
    let output = Command::new(std::env::var("CC").unwrap_or_else(|_| "cc".to_owned()))
        .args(["-O1", "-shared", "-fPIC", "-o"])
        .args([&built, &source])
        .arg("-lsrtp2")
        .output()
        .map_err(|error| format!("no C compiler: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    // SAFETY: built above; loading it runs nothing but the C runtime's own start.
    unsafe { Library::new(&built) }.map_err(|error| error.to_string())
}
