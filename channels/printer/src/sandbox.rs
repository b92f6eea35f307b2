//! A printer that lives in the process and answers by IPP as RFC 8011 has it: one job at a time, kept in memory.
//! Tests have it jam, run out of paper, hang up, and forget.

use std::{
    io::{Cursor, Read},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Response},
    routing::post,
};
use ipp::{
    model::{DelimiterTag, IppVersion, StatusCode},
    parser::IppParser,
    request::IppRequestResponse,
    value::{IppName, IppValue},
};

use crate::{ABORTED, COMPLETED};

/// `job-state`: processing.
const PROCESSING: i32 = 5;

// Operations by their numbers (RFC 8011 §5.4.15).
const PRINT_JOB: i16 = 0x0002;
const GET_JOB_ATTRIBUTES: i16 = 0x0009;
const GET_JOBS: i16 = 0x000a;
const GET_PRINTER_ATTRIBUTES: i16 = 0x000b;

/// How the printer behaves from now on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// It prints each job at once.
    #[default]
    Ready,
    /// Paper is jammed: a job goes on when it is taken out.
    Jammed,
    /// It has no paper and says so.
    Empty,
    /// It prints for somebody else.
    Busy,
    /// It takes the job, and its answer is lost.
    AnswerLost,
    /// As before, and it forgets what it has printed.
    Forgetful,
    /// It gives each job up.
    Broken,
}

/// A job that it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its number.
    pub number: i32,
    /// Its name.
    pub name: String,
    /// The document.
    pub document: Vec<u8>,
    /// Whether it came out.
    pub printed: bool,
    state: i32,
}

/// A printer.
#[derive(Debug, Clone, Default)]
pub struct Sandbox {
    inside: Arc<Mutex<Inside>>,
}

#[derive(Debug, Default)]
struct Inside {
    mode: Mode,
    jobs: Vec<Job>,
}

impl Sandbox {
    /// It behaves so from now on; what it had in work goes on where it can.
    pub fn becomes(&self, mode: Mode) {
        self.with(|inside| {
            inside.mode = mode;
            if mode == Mode::Ready {
                for job in inside.jobs.iter_mut().filter(|job| job.state == PROCESSING) {
                    job.state = COMPLETED;
                    job.printed = true;
                }
            }
        });
    }

    /// The jobs that it ever took, oldest first.
    pub fn jobs(&self) -> Vec<Job> {
        self.with(|inside| inside.jobs.clone())
    }

    /// What it serves, below `/ipp/print`.
    pub fn router(self) -> Router {
        Router::new()
            .route("/ipp/print", post(answer))
            .with_state(self)
    }

    fn with<T>(&self, look: impl FnOnce(&mut Inside) -> T) -> T {
        look(&mut self.inside.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn answer(State(printer): State<Sandbox>, body: Bytes) -> Response {
    let Ok(mut request) = IppParser::new(Cursor::new(body)).parse() else {
        return says(StatusCode::ClientErrorBadRequest, &[]);
    };
    let operation = request.header().operation_or_status;
    let word = |name: &str| {
        let mut groups = request.attributes().groups().iter();
        let found = groups.find_map(|group| group.get(name));
        found.map(|one| one.value().to_string()).unwrap_or_default()
    };
    let (name, number, which) = (word("job-name"), word("job-id"), word("which-jobs"));
    match operation {
        PRINT_JOB => {
            let mut document = Vec::new();
            if request.payload_mut().read_to_end(&mut document).is_err() {
                return says(StatusCode::ClientErrorBadRequest, &[]);
            }
            printer.with(|inside| inside.print(name, document))
        }
        GET_JOB_ATTRIBUTES => printer.with(|inside| inside.job(number.parse().unwrap_or_default())),
        GET_JOBS => printer.with(|inside| inside.all(which == "completed")),
        GET_PRINTER_ATTRIBUTES => printer.with(|inside| inside.stands()),
        _ => says(StatusCode::ServerErrorOperationNotSupported, &[]),
    }
}

impl Inside {
    fn print(&mut self, name: String, document: Vec<u8>) -> Response {
        let under_way = self.jobs.iter().any(|job| job.state == PROCESSING);
        if self.mode == Mode::Busy || under_way {
            return says(StatusCode::ServerErrorBusy, &[]);
        }
        let (state, printed) = match self.mode {
            Mode::Jammed | Mode::Empty => (PROCESSING, false),
            Mode::Broken => (ABORTED, false),
            Mode::Ready | Mode::Busy | Mode::AnswerLost | Mode::Forgetful => (COMPLETED, true),
        };
        let number = i32::try_from(self.jobs.len())
            .unwrap_or(i32::MAX)
            .saturating_add(1);
        let job = Job {
            number,
            name,
            document,
            printed,
            state,
        };
        let answer = says(StatusCode::SuccessfulOk, &[of(&job)]);
        self.jobs.push(job);
        match self.mode {
            // A body that ends with an error closes the connection.
            Mode::AnswerLost | Mode::Forgetful => Response::new(Body::from_stream(Broken)),
            _ => answer,
        }
    }

    fn job(&self, number: i32) -> Response {
        let known = self.jobs.iter().find(|job| job.number == number);
        match known.filter(|_| self.mode != Mode::Forgetful) {
            Some(job) => says(StatusCode::SuccessfulOk, &[of(job)]),
            None => says(StatusCode::ClientErrorNotFound, &[]),
        }
    }

    fn all(&self, completed: bool) -> Response {
        let asked = |job: &&Job| (job.state != PROCESSING) == completed;
        let jobs = self.jobs.iter().filter(asked);
        let jobs: Vec<_> = jobs
            .filter(|_| self.mode != Mode::Forgetful)
            .map(of)
            .collect();
        says(StatusCode::SuccessfulOk, &jobs)
    }

    fn stands(&self) -> Response {
        let reasons = match self.mode {
            Mode::Jammed => "media-jam-error",
            Mode::Empty => "media-empty-error",
            _ => "none",
        };
        let mut answer = Group::new(DelimiterTag::PrinterAttributes);
        answer.add::<()>("printer-state", Ok(IppValue::Enum(3)));
        answer.add("printer-state-reasons", IppValue::new_keyword(reasons));
        answer.add::<()>("printer-is-accepting-jobs", Ok(IppValue::Boolean(true)));
        says(StatusCode::SuccessfulOk, &[answer])
    }
}

/// Attributes that belong together.
struct Group {
    tag: DelimiterTag,
    attributes: Vec<(&'static str, IppValue)>,
}

impl Group {
    fn new(tag: DelimiterTag) -> Self {
        Self {
            tag,
            attributes: Vec::new(),
        }
    }

    fn add<E>(&mut self, name: &'static str, value: Result<IppValue, E>) {
        self.attributes
            .extend(value.ok().map(|value| (name, value)));
    }
}

fn of(job: &Job) -> Group {
    let mut group = Group::new(DelimiterTag::JobAttributes);
    group.add::<()>("job-id", Ok(IppValue::Integer(job.number)));
    let name = IppValue::new_name_without_language(job.name.as_str());
    group.add("job-name", name);
    group.add::<()>("job-state", Ok(IppValue::Enum(job.state)));
    group
}

fn says(status: StatusCode, groups: &[Group]) -> Response {
    let Ok(mut answer) = IppRequestResponse::new_response(IppVersion::v2_0(), status, 1) else {
        return axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    for group in groups {
        let mut written = ipp::attribute::IppAttributeGroup::new(group.tag);
        for (name, value) in &group.attributes {
            if let Ok(name) = name.parse::<IppName>() {
                written.attributes_mut().push(value.clone().named(name));
            }
        }
        answer.attributes_mut().groups_mut().push(written);
    }
    let kind = [(axum::http::header::CONTENT_TYPE, "application/ipp")];
    (kind, answer.to_bytes()).into_response()
}

/// A body that breaks off.
struct Broken;

impl futures_core::Stream for Broken {
    type Item = std::io::Result<Bytes>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into())))
    }
}
