//! Printers by IPP (RFC 8011, PWG 5100.14 «IPP Everywhere»): one job at a time, its end, and what the printer
//! wants, in words.
//!
//! A printer keeps no promise about jobs whose answer was lost: such a job is in doubt. It is looked for by its
//! name, which is the run's own; what no printer knows any more a person has to decide, who sees the paper.

#[cfg(feature = "sandbox")]
pub mod sandbox;

use std::{io::Cursor, sync::Arc, time::Duration};

use ipp::{
    attribute::{IppAttribute, IppAttributeGroup},
    model::{DelimiterTag, IppVersion, Operation, StatusCode},
    parser::IppParser,
    prelude::Uri,
    request::IppRequestResponse,
    value::IppValue,
};
use reqwest::{Client, header::CONTENT_TYPE};
use vestnik_contract::{Delivery, Fault, Outcome, Reason, Scope};

/// Printers' default is the American size, whatever lies in the tray.
const A4: &str = "iso_a4_210x297mm";

/// Who asks for jobs.
const USER: &str = "vestnik";

/// An answer has no more bytes than this.
const MOST_BYTES: usize = 1024 * 1024;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);

// How a job ended (RFC 8011 §5.3.7).
const CANCELED: i32 = 7;
const ABORTED: i32 = 8;
const COMPLETED: i32 = 9;

/// How a printer stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Condition {
    /// Whether it cannot print now.
    pub blocked: bool,
    /// What it wants, or warns of; none where all is well.
    pub words: Option<String>,
}

/// Why an address is no printer's.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PrinterError {
    /// It is none.
    #[error("is no printer's address; write ipp://HOST/ipp/print, or ipps:// where it has TLS")]
    Address,
    /// The machine has no way to speak TLS.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// A printer.
#[derive(Debug, Clone)]
pub struct Printer {
    uri: Uri,
    url: String,
    client: Client,
    duplex: bool,
}

impl Printer {
    /// A printer at `ipp://` or `ipps://`, by whose answers nobody waits longer than `timeout`. `duplex` says
    /// that it prints on both sides.
    ///
    /// # Errors
    /// [`PrinterError`]
    pub fn new(address: &str, timeout: Duration, duplex: bool) -> Result<Self, PrinterError> {
        let uri: Uri = address.parse().map_err(|_| PrinterError::Address)?;
        let (Some(host), Some(scheme)) = (uri.host(), uri.scheme_str()) else {
            return Err(PrinterError::Address);
        };
        let scheme = match scheme {
            "ipp" | "http" => "http",
            "ipps" | "https" => "https",
            _ => return Err(PrinterError::Address),
        };
        let port = uri.port_u16().unwrap_or(631);
        let url = format!("{scheme}://{host}:{port}{}", uri.path());
        let client = Client::builder()
            .tls_backend_preconfigured(tls()?)
            .connect_timeout(CONNECT)
            .timeout(timeout)
            .no_proxy()
            .build()
            .map_err(|error| PrinterError::Tls(error.to_string()))?;
        Ok(Self {
            uri,
            url,
            client,
            duplex,
        })
    }

    /// Hands a PDF over, once. The name of the job is how it is found again; [`Outcome::Accepted`] has its
    /// number. Busy, out of paper or away is [`Outcome::Deferred`]; a lost answer is [`Outcome::InDoubt`].
    pub async fn print(&self, name: &str, pdf: &[u8]) -> Outcome {
        let sides = if self.duplex {
            "two-sided-long-edge"
        } else {
            "one-sided"
        };
        let asked = self.request(Operation::PrintJob).map(|mut request| {
            for (name, value) in [
                ("job-name", IppValue::new_name_without_language(name)),
                (
                    "document-format",
                    IppValue::new_mime_media_type("application/pdf"),
                ),
            ] {
                add(&mut request, DelimiterTag::OperationAttributes, name, value);
            }
            for (name, value) in [("media", A4), ("sides", sides)] {
                let value = IppValue::new_keyword(value);
                add(&mut request, DelimiterTag::JobAttributes, name, value);
            }
            request
        });
        let Some(request) = asked else {
            return Outcome::Rejected {
                reason: unreadable(),
            };
        };
        let mut body = request.to_bytes().to_vec();
        body.extend_from_slice(pdf);
        match self.ask(body).await {
            Ok(answer) => taken(&answer),
            Err(Lost::Before(reason)) => Outcome::Deferred {
                reason,
                retry_after: None,
                scope: Scope::Lane,
            },
            Err(Lost::Perhaps(reason)) => Outcome::InDoubt { reason },
        }
    }

    /// What became of a job, by its number.
    ///
    /// # Errors
    /// Why the printer does not say.
    pub async fn job(&self, number: i32) -> Result<Delivery, Reason> {
        let mut request = self
            .request(Operation::GetJobAttributes)
            .ok_or_else(unreadable)?;
        let number = Ok::<_, PrinterError>(IppValue::new_integer(number));
        add(
            &mut request,
            DelimiterTag::OperationAttributes,
            "job-id",
            number,
        );
        let answer = self.ask(request.to_bytes().to_vec()).await;
        let answer = answer.map_err(Lost::reason)?;
        if answer.header().status_code() == StatusCode::ClientErrorNotFound {
            return Ok(Delivery::NotFound);
        }
        let mut jobs = answer.attributes().groups_of(DelimiterTag::JobAttributes);
        jobs.next()
            .map_or(Ok(Delivery::NotFound), |job| Ok(state(job)))
    }

    /// The job with this name, whether it is still there or was the printer's lately.
    ///
    /// # Errors
    /// Why the printer does not say.
    pub async fn find(&self, name: &str) -> Result<Delivery, Reason> {
        for which in ["not-completed", "completed"] {
            let mut request = self.request(Operation::GetJobs).ok_or_else(unreadable)?;
            let tag = DelimiterTag::OperationAttributes;
            add(
                &mut request,
                tag,
                "which-jobs",
                IppValue::new_keyword(which),
            );
            let wanted = ["job-id", "job-name", "job-state", "job-state-reasons"];
            let wanted = wanted
                .iter()
                .filter_map(|one| IppValue::new_keyword(*one).ok());
            let wanted = Ok::<_, PrinterError>(IppValue::Array(wanted.collect()));
            add(&mut request, tag, "requested-attributes", wanted);
            let answer = self.ask(request.to_bytes().to_vec()).await;
            let answer = answer.map_err(Lost::reason)?;
            let mut jobs = answer.attributes().groups_of(DelimiterTag::JobAttributes);
            let found = jobs.find(|job| {
                job.get("job-name")
                    .is_some_and(|known| known.value().to_string() == name)
            });
            if let Some(job) = found {
                return Ok(Delivery::UnderWay {
                    provider_ref: number(job).map(|number| number.to_string()),
                });
            }
        }
        Ok(Delivery::NotFound)
    }

    /// How the printer stands.
    ///
    /// # Errors
    /// Why it does not say, above all that it is not there.
    pub async fn condition(&self) -> Result<Condition, Reason> {
        let request = self
            .request(Operation::GetPrinterAttributes)
            .ok_or_else(unreadable)?;
        let answer = self.ask(request.to_bytes().to_vec()).await;
        let answer = answer.map_err(Lost::reason)?;
        let status = answer.header().status_code();
        if !status.is_success() {
            return Err(refused(status));
        }
        let mut groups = answer
            .attributes()
            .groups_of(DelimiterTag::PrinterAttributes);
        let Some(group) = groups.next() else {
            return Err(unreadable());
        };
        let text = |name: &str| {
            let value = group.get(name).map(|one| one.value().to_string());
            value.unwrap_or_default()
        };
        let (severe, words) = words(&text("printer-state-reasons"));
        // Enum 5 is «stopped» (RFC 8011 §5.4.11).
        let still = if text("printer-is-accepting-jobs") == "false" {
            Some("The printer takes no jobs: switch its queue on.")
        } else if text("printer-state") == "5" {
            Some("The printer has stopped: look at its display.")
        } else {
            None
        };
        Ok(Condition {
            blocked: severe || still.is_some(),
            words: words.or(still).map(str::to_owned),
        })
    }

    fn request(&self, operation: Operation) -> Option<IppRequestResponse> {
        let mut request =
            IppRequestResponse::new(IppVersion::v2_0(), operation, Some(self.uri.clone())).ok()?;
        let user = IppValue::new_name_without_language(USER);
        add(
            &mut request,
            DelimiterTag::OperationAttributes,
            "requesting-user-name",
            user,
        );
        Some(request)
    }

    async fn ask(&self, body: Vec<u8>) -> Result<IppRequestResponse, Lost> {
        let call = self
            .client
            .post(&self.url)
            .header(CONTENT_TYPE, "application/ipp")
            .body(body);
        let mut answer = call.send().await.map_err(|error| {
            if error.is_connect() {
                Lost::Before(Reason::new(
                    "printer_away",
                    "The printer does not answer: switch it on, and check its network cable.",
                    Fault::Network,
                ))
            } else {
                Lost::Perhaps(lost())
            }
        })?;
        if !answer.status().is_success() {
            let code = format!("http_{}", answer.status().as_u16());
            let reason = Reason::new(
                code,
                "There is no printer at this address, or it wants a password.",
                Fault::Account,
            );
            return Err(Lost::Before(reason));
        }
        let mut bytes = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|_| Lost::Perhaps(lost()))? {
            bytes.extend_from_slice(&piece);
            if bytes.len() > MOST_BYTES {
                return Err(Lost::Perhaps(unreadable()));
            }
        }
        IppParser::new(Cursor::new(bytes))
            .parse()
            .map_err(|_| Lost::Perhaps(unreadable()))
    }
}

/// How an answer was lost.
enum Lost {
    /// Certainly before the printer heard anything.
    Before(Reason),
    /// Perhaps after it.
    Perhaps(Reason),
}

impl Lost {
    fn reason(self) -> Reason {
        match self {
            Self::Before(reason) | Self::Perhaps(reason) => reason,
        }
    }
}

fn lost() -> Reason {
    Reason::new(
        "printer_answer_lost",
        "The printer's answer was lost: look whether the sheets came out.",
        Fault::Network,
    )
}

fn unreadable() -> Reason {
    Reason::new(
        "printer_answer",
        "The printer's answer cannot be read: look whether the sheets came out.",
        Fault::Provider,
    )
}

/// What a Print-Job was answered.
fn taken(answer: &IppRequestResponse) -> Outcome {
    let status = answer.header().status_code();
    let job = answer
        .attributes()
        .groups_of(DelimiterTag::JobAttributes)
        .find_map(number);
    let later = |reason| Outcome::Deferred {
        reason,
        retry_after: None,
        scope: Scope::Lane,
    };
    match (status, job) {
        (status, Some(job)) if status.is_success() => Outcome::Accepted {
            provider_ref: Some(job.to_string()),
        },
        // It took the job and does not say which it is.
        (status, None) if status.is_success() => Outcome::InDoubt {
            reason: unreadable(),
        },
        (
            StatusCode::ServerErrorBusy
            | StatusCode::ServerErrorTemporaryError
            | StatusCode::ServerErrorServiceUnavailable
            | StatusCode::ServerErrorNotAcceptingJobs
            | StatusCode::ServerErrorDeviceError
            | StatusCode::ServerErrorInternalError,
            _,
        ) => later(refused(status)),
        _ => Outcome::Rejected {
            reason: refused(status),
        },
    }
}

/// Why a printer refused, in words.
fn refused(status: StatusCode) -> Reason {
    let (text, fault) = match status {
        StatusCode::ServerErrorBusy => ("The printer is busy with another job.", Fault::Provider),
        StatusCode::ServerErrorNotAcceptingJobs => (
            "The printer takes no jobs: switch its queue on.",
            Fault::Provider,
        ),
        StatusCode::ClientErrorDocumentFormatNotSupported => (
            "The printer takes no PDF: print by way of a print server (CUPS), which turns it into what it takes.",
            Fault::Account,
        ),
        StatusCode::ClientErrorNotFound => (
            "There is no such queue: check channels.print.printer.",
            Fault::Account,
        ),
        StatusCode::ClientErrorNotAuthenticated
        | StatusCode::ClientErrorNotAuthorized
        | StatusCode::ClientErrorForbidden => (
            "The printer lets only others print: allow this machine in its settings.",
            Fault::Account,
        ),
        _ => ("The printer refused the job.", Fault::Provider),
    };
    Reason::new(format!("ipp_{:04x}", status as u16), text, fault)
}

/// What became of a job (RFC 8011 §5.3.7).
fn state(job: &IppAttributeGroup) -> Delivery {
    let value = |name: &str| job.get(name).map(|one| one.value().to_string());
    let code = value("job-state").and_then(|text| text.parse::<i32>().ok());
    let reasons = value("job-state-reasons").unwrap_or_default();
    match code {
        Some(COMPLETED) => Delivery::Delivered,
        Some(CANCELED) => Delivery::Undelivered {
            reason: Reason::new(
                "job_canceled",
                "Somebody cancelled the job at the printer: look what came out.",
                Fault::Provider,
            ),
        },
        Some(ABORTED) => Delivery::Undelivered {
            reason: Reason::new(
                "job_aborted",
                words(&reasons)
                    .1
                    .unwrap_or("The printer gave the job up: look what came out."),
                Fault::Provider,
            ),
        },
        _ => Delivery::UnderWay {
            provider_ref: number(job).map(|number| number.to_string()),
        },
    }
}

fn number(job: &IppAttributeGroup) -> Option<i32> {
    job.get("job-id")?.value().to_string().parse().ok()
}

/// What is wrong with a printer, in words, by the keywords of `printer-state-reasons` (RFC 8011 §5.4.12), and
/// whether it keeps it from printing. A printer with two trays warns that one is empty, and prints.
fn words(reasons: &str) -> (bool, Option<&'static str>) {
    const WORDS: [(&str, &str); 9] = [
        ("media-jam", "Paper is jammed in the printer: take it out."),
        ("media-empty", "The printer has no paper: put A4 in."),
        ("media-needed", "The printer wants paper: put A4 in."),
        (
            "input-tray-missing",
            "The printer's paper tray is missing: put it in.",
        ),
        ("cover-open", "The printer is open: close it."),
        ("door-open", "The printer is open: close it."),
        ("toner-empty", "The printer has no toner left: change it."),
        (
            "marker-supply-empty",
            "The printer has no ink or toner left: change it.",
        ),
        (
            "paused",
            "The printer is paused: let it go on at its display.",
        ),
    ];
    let known = |keyword: &str| {
        let mut known = WORDS.iter();
        let (_, words) = known.find(|(known, _)| keyword.starts_with(known))?;
        let severe = !keyword.ends_with("-report") && !keyword.ends_with("-warning");
        Some((severe, *words))
    };
    let keywords = reasons.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    let worst = keywords.filter_map(known).max_by_key(|(severe, _)| *severe);
    worst.map_or((false, None), |(severe, words)| (severe, Some(words)))
}

fn add<E>(
    request: &mut IppRequestResponse,
    tag: DelimiterTag,
    name: &str,
    value: Result<IppValue, E>,
) {
    let attribute = value
        .ok()
        .and_then(|value| IppAttribute::with_name(name, value).ok());
    if let Some(attribute) = attribute {
        request.attributes_mut().add(tag, attribute);
    }
}

fn tls() -> Result<rustls::ClientConfig, PrinterError> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| PrinterError::Tls(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_printers_or_says_what_one_looks_like() {
        let second = Duration::from_secs(1);
        for good in [
            "ipp://printer.local/ipp/print",
            "ipps://10.0.0.5:8631/ipp/print",
        ] {
            assert!(Printer::new(good, second, false).is_ok(), "{good}");
        }
        for bad in ["", "printer", "lpd://printer/raw", "/dev/usb/lp0"] {
            let error = Printer::new(bad, second, false).expect_err(bad);
            assert_eq!(error, PrinterError::Address, "{bad}");
        }
    }

    #[test]
    fn what_a_printer_wants_is_said_in_words_and_what_it_only_warns_of_lets_it_print() {
        let (severe, said) = words("media-jam-error");
        assert!(severe && said.is_some_and(|said| said.starts_with("Paper is jammed")));
        let (severe, said) = words("[none, media-empty-warning]");
        assert!(!severe && said.is_some_and(|said| said.starts_with("The printer has no paper")));
        let (severe, said) = words("media-empty-warning, cover-open");
        assert!(severe && said.is_some_and(|said| said.starts_with("The printer is open")));
        assert_eq!(words("none"), (false, None));
        assert_eq!(words("toner-low-report, media-low-warning"), (false, None));
    }
}
