//! C libraries to be timed beside: each a small C file here, built and loaded when the bench starts. Where a
//! compiler or the library's headers are not there, its rows are left out, and that is said.

#![expect(unsafe_code, reason = "calls into C")]

use libloading::{Library, Symbol};
use squelch_g711::Law;
use std::ffi::{c_int, c_void};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;

/// What a peer shall do with G.711.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    Decode,
    Encode,
    /// To the other law.
    Convert,
}

/// A library that does G.711.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    has_room: bool,
    library: Rc<Library>,
}

/// Those that can be had here: libavcodec first, then spandsp.
pub(crate) fn load() -> Vec<Peer> {
    let wanted = [
        ("libavcodec", "libavcodec.c", "-lavcodec -lavutil", true),
        ("spandsp", "spandsp.c", "-lspandsp", false),
    ];
    let loaded = wanted.map(|(name, source, libraries, has_room)| {
        build(source, libraries)
            .map(|library| Peer {
                name,
                has_room,
                library: Rc::new(library),
            })
            .map_err(|error| tell(format_args!("{name} is left out: {error}")))
    });
    loaded.into_iter().flatten().collect()
}

/// A line on standard output; a closed pipe is no reason to fail.
pub(crate) fn tell(line: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn build(source: &str, libraries: &str) -> Result<Library, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("benches/peers")
        .join(source);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let built = folder.join(source.with_extension("so").file_name().unwrap_or_default());
    let output = Command::new(std::env::var("CC").unwrap_or_else(|_| "cc".to_owned()))
        .args(["-O3", "-shared", "-fPIC", "-o"])
        .args([&built, &source])
        .args(libraries.split(' '))
        .output()
        .map_err(|error| format!("no C compiler: {error}"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let first = text
            .lines()
            .find(|line| line.contains("error"))
            .unwrap_or("cc failed");
        return Err(first.to_owned());
    }
    // SAFETY: the library was built above; loading it runs nothing but the C runtime's own start.
    unsafe { Library::new(&built) }.map_err(|error| error.to_string())
}

impl Peer {
    /// A coder for one law and task; none where the library has no such thing.
    pub(crate) fn coder(&self, law: Law, task: Task) -> Option<Coder> {
        // SAFETY: the types are those of the C files in this folder.
        unsafe {
            let new: Symbol<unsafe extern "C" fn(c_int, c_int) -> *mut c_void> =
                self.library.get(b"peer_new").ok()?;
            let run = *self.library.get(b"peer_run").ok()?;
            let free = *self.library.get(b"peer_free").ok()?;
            let task = match task {
                Task::Decode => 0,
                Task::Encode => 1,
                Task::Convert => 2,
            };
            let state = new(c_int::from(law == Law::A), task);
            let library = Rc::clone(&self.library);
            (!state.is_null()).then(|| Coder {
                state,
                run,
                free,
                has_room: self.has_room,
                _library: library,
            })
        }
    }
}

type Run = unsafe extern "C" fn(*mut c_void, *const c_void, c_int, *mut c_void) -> c_int;

/// One law and task of a peer.
pub(crate) struct Coder {
    state: *mut c_void,
    run: Run,
    free: unsafe extern "C" fn(*mut c_void),
    has_room: bool,
    /// Keeps the functions where they are.
    _library: Rc<Library>,
}

impl Coder {
    /// Whether the library keeps what it makes in a place of its own.
    pub(crate) fn has_room(&self) -> bool {
        self.has_room
    }

    /// Works through `input`; `output` has as many elements.
    pub(crate) fn run<T, U>(&mut self, input: &[T], output: &mut [U]) {
        assert_eq!(input.len(), output.len(), "as many out as in");
        self.call(input, output.as_mut_ptr().cast());
    }

    /// As `run`, for a library that has room: what it makes is left there.
    pub(crate) fn run_unread<T>(&mut self, input: &[T]) {
        self.call(input, std::ptr::null_mut());
    }

    fn call<T>(&mut self, input: &[T], output: *mut c_void) {
        let count = c_int::try_from(input.len()).expect("a block has an int's length");
        // SAFETY: `state` is the library's, `input` and `output` hold `count` elements of the task's types.
        let failed = unsafe { (self.run)(self.state, input.as_ptr().cast(), count, output) };
        assert_eq!(failed, 0, "the peer did its work");
    }
}

impl Drop for Coder {
    fn drop(&mut self) {
        // SAFETY: `state` came from the library and is used no more.
        unsafe { (self.free)(self.state) }
    }
}
