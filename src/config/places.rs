//! The files that secrets come from.

use std::{fs, path::PathBuf};

use crate::secret::Secret;

/// Where files of secrets are looked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    /// systemd's credentials (`CREDENTIALS_DIRECTORY`).
    pub(super) credentials: Option<PathBuf>,
    /// systemd's folder for the service's own state (`STATE_DIRECTORY`).
    pub(super) state: Option<PathBuf>,
    /// The folder of the configuration file.
    pub(super) beside: PathBuf,
}

impl Places {
    /// Reads the secret in the file `name`; a newline at its end does not belong to it.
    pub(super) fn read(&self, name: &str) -> Result<Secret, String> {
        let credential = self.credentials.as_ref().filter(|_| !name.contains('/'));
        let path = credential
            .map(|folder| folder.join(name))
            .filter(|path| path.exists())
            .unwrap_or_else(|| self.beside.join(name));
        let value = fs::read_to_string(&path)
            .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        let value = value.trim_end_matches(['\n', '\r']);
        if value.is_empty() {
            return Err(format!("{} is empty", path.display()));
        }
        Ok(Secret::new(value))
    }

    /// A word of warning where others than its owner may read the file.
    pub(super) fn warning(&self, name: &str) -> Option<String> {
        use std::os::unix::fs::PermissionsExt;
        let path = self.beside.join(name);
        let mode = fs::metadata(&path).ok()?.permissions().mode();
        (mode & 0o077 != 0).then(|| {
            let path = path.display();
            format!("{path} can be read by other users of this machine: chmod 600 {path}")
        })
    }
}
