//! Where a PIN may come from, and what is refused.

use super::*;
use std::fs;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};

/// A folder of its own for each test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("falaj-pin-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, bytes: &[u8], mode: u32) -> PathBuf {
        let path = self.0.join("pin");
        let _ = fs::remove_file(&path);
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&path)
            .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        io::Write::write_all(&mut file, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn read(source: PinSource) -> Result<String, PinError> {
    use zeroize::Zeroize as _;
    let pin = PinReader::new(source).read("t")?;
    let mut text = secret(&pin);
    let copy = text.clone();
    text.zeroize();
    Ok(copy)
}

fn secret(pin: &Pin) -> String {
    use secrecy::ExposeSecret as _;
    pin.auth().expose_secret().to_owned()
}

// A file of its owner alone is read; one line end is not part of the PIN.
#[test]
fn a_private_file_is_read() {
    let folder = Folder::new("private");
    for bytes in [&b"1234"[..], b"1234\n", b"1234\r\n"] {
        assert_eq!(
            read(PinSource::File(folder.file(bytes, 0o600))).unwrap(),
            "1234"
        );
    }
    assert_eq!(
        read(PinSource::File(folder.file(b" 12\n34 \n", 0o400))).unwrap(),
        " 12\n34 "
    );
}

// Any right of the group or of others is refused, and the mode is said.
#[test]
fn a_file_that_others_can_read_or_write_is_refused() {
    let folder = Folder::new("open");
    for mode in [0o640, 0o604, 0o620, 0o602, 0o610, 0o644, 0o666] {
        let error = read(PinSource::File(folder.file(b"1234", mode))).unwrap_err();
        assert!(
            matches!(error, PinError::Permissions { mode: found, .. } if found == mode),
            "{error}"
        );
    }
}

// What counts is the file that was opened, so a link to an open file is refused like the file.
#[test]
fn a_link_is_judged_by_what_it_leads_to() {
    let folder = Folder::new("link");
    let target = folder.file(b"1234", 0o644);
    let link = folder.0.join("link");
    symlink(&target, &link).unwrap();
    assert!(matches!(
        read(PinSource::File(link)),
        Err(PinError::Permissions { .. })
    ));
}

// A folder, an empty file, a long one and one that is no text are refused, each by its name.
#[test]
fn what_is_no_pin_is_refused() {
    let folder = Folder::new("none");
    assert!(matches!(
        read(PinSource::File(folder.0.clone())),
        Err(PinError::NotAFile { .. })
    ));
    assert!(matches!(
        read(PinSource::File(folder.0.join("x"))),
        Err(PinError::Io { .. })
    ));
    let file = |bytes: &[u8]| read(PinSource::File(folder.file(bytes, 0o600)));
    assert!(matches!(file(b""), Err(PinError::Empty)));
    assert!(matches!(file(b"\n"), Err(PinError::Empty)));
    assert!(matches!(file(&[0xff, 0xfe]), Err(PinError::NotText)));
    assert_eq!(file(&[b'7'; PIN_BYTES_MAX]).unwrap().len(), PIN_BYTES_MAX);
    assert!(matches!(
        file(&[b'7'; PIN_BYTES_MAX + 1]),
        Err(PinError::TooLong)
    ));
    assert!(matches!(file(&[b'7'; 100_000]), Err(PinError::TooLong)));
}

// Root's file and one's own are accepted, somebody else's is not.
#[test]
fn the_owner_is_root_or_this_user() {
    let check = |owner| check_private(Path::new("p"), 0o600, owner, 1000, Privacy::OwnerOnly);
    assert!(check(0).is_ok());
    assert!(check(1000).is_ok());
    assert!(matches!(
        check(1001),
        Err(PinError::Owner {
            owner: 1001,
            user: 1000,
            ..
        })
    ));
}

// systemd's access list shows in the group bits; others stay out.
#[test]
fn a_credential_may_have_group_bits_but_none_for_others() {
    let check = |mode| check_private(Path::new("p"), mode, 0, 1000, Privacy::NotOthers);
    assert!(check(0o440).is_ok());
    assert!(check(0o444).is_err());
}

// A credential is a name and never a path.
#[test]
fn a_credential_name_is_no_path() {
    for name in ["", "..", ".", "a/b", "/etc/passwd"] {
        let error = read(PinSource::Credential(name.to_owned())).unwrap_err();
        assert!(matches!(error, PinError::CredentialName { .. }), "{error}");
    }
}

// A descriptor gives its PIN once; a second login would need another.
#[test]
fn a_descriptor_is_read_once() {
    let folder = Folder::new("descriptor");
    let file = File::open(folder.file(b"1234\n", 0o600)).unwrap();
    let number = u32::try_from(std::os::fd::AsRawFd::as_raw_fd(&file)).unwrap();
    let reader = PinReader::new(PinSource::Descriptor(number));
    assert_eq!(secret(&reader.read("t").ok().unwrap()), "1234");
    assert!(matches!(reader.read("t"), Err(PinError::Spent)));
}

// A configuration names the source, and what is no source is refused, a PIN itself above all.
#[test]
fn a_source_is_named_in_one_way() {
    for text in [
        "file:/etc/falaj/pin",
        "credential:hsm-pin",
        "fd:3",
        "prompt",
    ] {
        assert_eq!(PinSource::parse(text).unwrap().to_string(), text);
    }
    for text in [
        "",
        "1234",
        "file:",
        "credential:",
        "fd:",
        "fd:-1",
        "fd:x",
        "env:PIN",
        "prompt:",
    ] {
        assert_eq!(PinSource::parse(text), None, "{text}");
    }
}
