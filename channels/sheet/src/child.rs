//! The process that sets the pages, seen from both sides.

use std::{
    ffi::OsString,
    io::{Read, Write},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
    time::timeout,
};

use crate::{Paper, Pdf, Purpose, RenderError, render::set};

/// A class makes a hundredth of it.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// What the child is asked.
#[derive(Serialize, Deserialize)]
struct Request {
    /// How many bytes of address space it may take.
    memory: u64,
    /// How many seconds of processor time.
    seconds: u64,
    template: String,
    data: Value,
    #[serde(default)]
    purpose: Purpose,
}

/// A program that is started for each batch and given bounds.
#[derive(Debug, Clone)]
pub struct Child {
    /// The program; it hands its standard input and output to [`work`].
    pub program: PathBuf,
    /// What it is called with.
    pub args: Vec<OsString>,
    /// After this long it is stopped.
    pub timeout: Duration,
    /// How many bytes of address space it may take.
    pub memory: u64,
}

impl Child {
    /// Sets pages for a printer. When this returns, or is dropped, nothing of the child is left.
    ///
    /// # Errors
    /// [`RenderError`]: what is wrong with the template, or how the child ended.
    pub async fn render(&self, paper: &impl Paper, template: &str) -> Result<Pdf, RenderError> {
        self.render_for(paper, template, Purpose::Print).await
    }

    /// Sets pages. When this returns, or is dropped, nothing of the child is left.
    ///
    /// # Errors
    /// [`RenderError`]: what is wrong with the template, or how the child ended.
    pub async fn render_for(
        &self,
        paper: &impl Paper,
        template: &str,
        purpose: Purpose,
    ) -> Result<Pdf, RenderError> {
        let data = paper
            .data()
            .map_err(|error| RenderError::Died(error.to_string()))?;
        let request = Request {
            memory: self.memory,
            seconds: self.timeout.as_secs().max(1),
            template: template.to_owned(),
            data,
            purpose,
        };
        let request =
            serde_json::to_vec(&request).map_err(|error| RenderError::Died(error.to_string()))?;
        let mut child = Command::new(&self.program)
            .args(&self.args)
            .env_clear()
            // One class needs no second thread, and each would bring its own stack and caches.
            .env("RAYON_NUM_THREADS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| RenderError::NoProgram(error.to_string()))?;
        let (Some(mut input), Some(output), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(RenderError::NoProgram("it has no pipes".into()));
        };
        let talk = async {
            let ask = async {
                // A child that died before it read everything says so by its exit.
                let _ = input.write_all(&request).await;
                drop(input);
            };
            let (mut pdf, mut story) = (Vec::new(), Vec::new());
            let mut output = output.take(u64::try_from(MOST_BYTES).unwrap_or(u64::MAX) + 1);
            let mut errors = errors.take(64 * 1024);
            let ((), read, told) = tokio::join!(
                ask,
                output.read_to_end(&mut pdf),
                errors.read_to_end(&mut story)
            );
            let status = child.wait().await;
            (read.and(told).and(status), pdf, story)
        };
        let Ok((status, pdf, story)) = timeout(self.timeout, talk).await else {
            let _ = child.kill().await;
            return Err(RenderError::TimedOut(self.timeout.as_secs()));
        };
        let status = status.map_err(|error| RenderError::Died(error.to_string()))?;
        if pdf.len() > MOST_BYTES {
            return Err(RenderError::TooLarge(MOST_BYTES / 1024 / 1024));
        }
        match answer(&story) {
            Some(Ok(pages)) if status.success() => Ok(Pdf { bytes: pdf, pages }),
            Some(Err(error)) => Err(error),
            _ => Err(RenderError::Died(status.to_string())),
        }
    }
}

/// The last line that the child said: how many pages there are, or why there are none.
fn answer(story: &[u8]) -> Option<Result<usize, RenderError>> {
    let line = story
        .trim_ascii_end()
        .rsplit(|byte| *byte == b'\n')
        .next()?;
    serde_json::from_slice(line).ok()
}

/// The child's side: reads one request, writes the pages to `output` and its answer, a line of JSON, to
/// `errors`. Returns whether there are pages.
pub fn work(mut input: impl Read, mut output: impl Write, mut errors: impl Write) -> bool {
    let mut bytes = Vec::new();
    let read = input
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string());
    let request = read
        .and_then(|_| serde_json::from_slice::<Request>(&bytes).map_err(|error| error.to_string()));
    let rendered = match request {
        Err(error) => Err(RenderError::Died(error)),
        Ok(request) => {
            bound(Resource::As, request.memory);
            bound(Resource::Cpu, request.seconds);
            bound(Resource::Core, 0);
            set(&request.data, &request.template, request.purpose)
        }
    };
    let said = rendered.as_ref().map(|pdf| pdf.pages);
    let written = match &rendered {
        Ok(pdf) => output
            .write_all(&pdf.bytes)
            .and_then(|()| output.flush())
            .is_ok(),
        Err(_) => false,
    };
    let line = serde_json::to_vec(&said).unwrap_or_default();
    let told = errors
        .write_all(&line)
        .and_then(|()| errors.flush())
        .is_ok();
    written && told
}

/// Lowers a limit of this process; where the system refuses, the parent's time-out is left.
fn bound(resource: Resource, most: u64) {
    let hard = getrlimit(resource).maximum;
    let most = hard.map_or(most, |hard| hard.min(most));
    let limit = Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    let _ = setrlimit(resource, limit);
}
