//! An SMS centre that lives in the process: it takes what SMPP 3.4 allows, and sends nothing.
//!
//! Tests ask it to misbehave: the last two digits of a number choose how.
//!
//! | digits | behaviour |
//! |---|---|
//! | 01 | throttled the first time |
//! | 02 | queue full, always |
//! | 03 | no such number |
//! | 04 | receipt UNDELIV |
//! | 05 | receipt EXPIRED |
//! | 06 | receipt before the answer |
//! | 07 | takes it and never answers |
//! | 08 | takes it and resets the connection |
//! | 09 | receipt twice |
//! | 10 | the receipt's id in hexadecimal |
//! | 11 | the phone answers «СТОП» |
//! | 13 | no receipt |
//! | 14 | generic_nack |
//! | 15 | receipt in fields only |
//! | 16 | ENROUTE, then DELIVRD |
//! | 17 | refuses the second part |
//! | 18 | takes the second part and never answers |
//! | 19 | throttles the second part once |
//! | 20 | receipt of the first part only |
//! | 21 | UNDELIV of the last part only |
//! | 22 | takes it and unbinds |
//! | else | takes it, with a receipt |

use std::{
    io,
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{SinkExt, StreamExt};
use rusmpp::{
    Command, CommandStatus, Pdu,
    pdus::{
        BindReceiverResp, BindTransceiverResp, BindTransmitterResp, DeliverSm, SubmitSm,
        SubmitSmResp,
    },
    tlvs::{MessageDeliveryRequestTlvValue as Tlv, TlvValue},
    tokio_codec::CommandCodec,
    types::{COctetString, OctetString},
    values::{DataCoding, EsmClass, InterfaceVersion, MessageState},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::Framed;

use crate::pieces::UCS2;

/// The login of the sandbox.
pub const SYSTEM_ID: &str = "school";
/// Its password.
pub const PASSWORD: &str = "sandbox";

/// A `submit_sm` that arrived.
#[derive(Clone, PartialEq, Eq)]
pub struct Submitted {
    /// The number, in digits.
    pub to: String,
    /// The sender.
    pub from: String,
    /// `esm_class`, as it stood on the line.
    pub esm_class: u8,
    /// `registered_delivery`, as it stood on the line.
    pub registered_delivery: u8,
    /// `data_coding`
    pub data_coding: u8,
    /// The text with its header.
    pub octets: Vec<u8>,
    /// Its place among the parts, from 1 on, and how many there are.
    pub place: (u8, u8),
}

/// Prints no number and no words.
impl std::fmt::Debug for Submitted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Submitted({:?})", self.place)
    }
}

/// What the sandbox has received, to be looked at while it runs.
#[derive(Debug, Clone, Default)]
pub struct Centre {
    held: Arc<Mutex<Held>>,
}

#[derive(Debug, Default)]
struct Held {
    submitted: Vec<Submitted>,
    throttled: Vec<String>,
    binds: Vec<&'static str>,
    answers: Vec<u32>,
    unbinds: usize,
    open: usize,
    last_id: u32,
}

impl Centre {
    /// Every `submit_sm` that was taken, oldest first.
    pub fn submitted(&self) -> Vec<Submitted> {
        self.held().submitted.clone()
    }

    /// How many were taken.
    pub fn taken(&self) -> usize {
        self.held().submitted.len()
    }

    /// How each session was bound, oldest first.
    pub fn binds(&self) -> Vec<&'static str> {
        self.held().binds.clone()
    }

    /// The statuses that `deliver_sm` was answered with.
    pub fn answers(&self) -> Vec<u32> {
        self.held().answers.clone()
    }

    /// How often a session was ended in order.
    pub fn unbinds(&self) -> usize {
        self.held().unbinds
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.held().open
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves on `listener` until it is dropped.
///
/// # Errors
/// What the socket says.
#[expect(
    clippy::disallowed_methods,
    reason = "a session ends with its connection"
)]
pub async fn serve(listener: TcpListener, centre: Centre) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let centre = centre.clone();
        tokio::spawn(async move {
            centre.held().open += 1;
            session(stream, &centre).await;
            centre.held().open -= 1;
        });
    }
}

/// What happens after a PDU was read.
enum Then {
    Answer(Vec<Command>),
    Reset,
    End(Vec<Command>),
}

async fn session(stream: TcpStream, centre: &Centre) {
    let mut line = Framed::new(stream, CommandCodec::new().with_max_length(70_000));
    let mut bound = false;
    let mut own_sequence = 0;
    while let Some(Ok(command)) = line.next().await {
        let then = answer(&command, centre, &mut bound, &mut own_sequence);
        let (answers, goes_on) = match then {
            Then::Answer(answers) => (answers, true),
            Then::End(answers) => (answers, false),
            Then::Reset => {
                // Closing with unread time to linger of zero is a reset.
                let _ = line.get_ref().set_zero_linger();
                return;
            }
        };
        for answer in answers {
            if line.send(answer).await.is_err() {
                return;
            }
        }
        if !goes_on {
            return;
        }
    }
}

fn answer(command: &Command, centre: &Centre, bound: &mut bool, own: &mut u32) -> Then {
    let sequence = command.sequence_number();
    let reply = |status, pdu: Pdu| {
        Command::builder()
            .status(status)
            .sequence_number(sequence)
            .pdu(pdu)
    };
    let mut bind = |system_id: &str, password: &str, version, kind, pdu: Pdu| {
        let status = if (system_id, password) != (SYSTEM_ID, PASSWORD) {
            CommandStatus::EsmeRinvpaswd
        } else if version != InterfaceVersion::Smpp3_4 {
            CommandStatus::EsmeRsyserr
        } else {
            centre.held().binds.push(kind);
            *bound = true;
            CommandStatus::EsmeRok
        };
        Then::Answer(vec![reply(status, pdu)])
    };
    let name = COctetString::from_str("SANDBOX").unwrap_or_default();
    match command.pdu() {
        Some(Pdu::BindTransceiver(own)) => bind(
            own.system_id.as_str(),
            own.password.as_str(),
            own.interface_version,
            "transceiver",
            BindTransceiverResp::builder()
                .system_id(name)
                .build()
                .into(),
        ),
        Some(Pdu::BindTransmitter(own)) => bind(
            own.system_id.as_str(),
            own.password.as_str(),
            own.interface_version,
            "transmitter",
            BindTransmitterResp::builder()
                .system_id(name)
                .build()
                .into(),
        ),
        Some(Pdu::BindReceiver(own)) => bind(
            own.system_id.as_str(),
            own.password.as_str(),
            own.interface_version,
            "receiver",
            BindReceiverResp::builder().system_id(name).build().into(),
        ),
        Some(Pdu::EnquireLink) => {
            Then::Answer(vec![reply(CommandStatus::EsmeRok, Pdu::EnquireLinkResp)])
        }
        Some(Pdu::Unbind) => {
            centre.held().unbinds += 1;
            Then::End(vec![reply(CommandStatus::EsmeRok, Pdu::UnbindResp)])
        }
        Some(Pdu::UnbindResp) => Then::End(Vec::new()),
        Some(Pdu::DeliverSmResp(_)) => {
            centre.held().answers.push(u32::from(command.status()));
            Then::Answer(Vec::new())
        }
        Some(Pdu::SubmitSm(submit)) if *bound => submitted(submit, sequence, centre, own),
        Some(Pdu::SubmitSm(_)) => Then::Answer(vec![reply(
            CommandStatus::EsmeRinvbndsts,
            SubmitSmResp::default().into(),
        )]),
        _ => Then::Answer(vec![reply(CommandStatus::EsmeRinvcmdid, Pdu::GenericNack)]),
    }
}

fn submitted(submit: &SubmitSm, sequence: u32, centre: &Centre, own: &mut u32) -> Then {
    let mut held = centre.held();
    let seen = seen(submit);
    let (place, _) = seen.place;
    let digits = seen
        .to
        .get(seen.to.len().saturating_sub(2)..)
        .unwrap_or("")
        .to_owned();
    let reply = |status, pdu: Pdu| {
        Command::builder()
            .status(status)
            .sequence_number(sequence)
            .pdu(pdu)
    };
    let refuse = |status| Then::Answer(vec![reply(status, SubmitSmResp::default().into())]);
    let throttle = digits == "01" || (digits == "19" && place == 2);
    if throttle && !held.throttled.contains(&seen.to) {
        held.throttled.push(seen.to);
        return refuse(CommandStatus::EsmeRthrottled);
    }
    match digits.as_str() {
        "02" => return refuse(CommandStatus::EsmeRmsgqful),
        "03" => return refuse(CommandStatus::EsmeRinvdstadr),
        "14" => return Then::Answer(vec![reply(CommandStatus::EsmeRinvcmdlen, Pdu::GenericNack)]),
        "17" if place == 2 => return refuse(CommandStatus::EsmeRsubmitfail),
        _ => {}
    }
    held.last_id += 1;
    let id = 1_000_000 + held.last_id;
    held.submitted.push(seen.clone());
    match digits.as_str() {
        "07" => return Then::Answer(Vec::new()),
        "08" => return Then::Reset,
        "18" if place == 2 => return Then::Answer(Vec::new()),
        _ => {}
    }
    let name = COctetString::from_str(&id.to_string()).unwrap_or_default();
    let taken = reply(
        CommandStatus::EsmeRok,
        SubmitSmResp::builder().message_id(name).build().into(),
    );
    let mut answers = vec![taken];
    for deliver in says(&seen, id, &digits) {
        *own += 1;
        let said = Command::builder()
            .status(CommandStatus::EsmeRok)
            .sequence_number(*own)
            .pdu(deliver);
        // A receipt may be faster than the answer.
        let place = if digits == "06" { 0 } else { answers.len() };
        answers.insert(place, said);
    }
    if digits == "22" {
        *own += 1;
        let unbind = Command::builder()
            .status(CommandStatus::EsmeRok)
            .sequence_number(*own)
            .pdu(Pdu::Unbind);
        answers.push(unbind);
    }
    Then::Answer(answers)
}

/// What the centre says by itself about a message that it has taken.
fn says(seen: &Submitted, id: u32, digits: &str) -> Vec<DeliverSm> {
    let (place, total) = seen.place;
    let name = id.to_string();
    let report = |state| receipt(seen, &name, state);
    let mut said = match digits {
        _ if seen.registered_delivery == 0 => Vec::new(),
        "13" => Vec::new(),
        "20" if place > 1 => Vec::new(),
        "04" => vec![report("UNDELIV")],
        "21" if place == total => vec![report("UNDELIV")],
        "05" => vec![report("EXPIRED")],
        "09" => vec![report("DELIVRD"), report("DELIVRD")],
        "10" => vec![receipt(seen, &format!("{id:08X}"), "DELIVRD")],
        "15" => vec![fields(seen, id)],
        "16" => vec![report("ENROUTE"), report("DELIVRD")],
        _ => vec![report("DELIVRD")],
    };
    if digits == "11" && place == total {
        said.push(stop(seen));
    }
    said
}

fn seen(submit: &SubmitSm) -> Submitted {
    let short: &[u8] = submit.short_message().as_ref();
    let mut octets = short.to_vec();
    let mut place = match short {
        [5, 0, 3, _, total, number, ..] | [6, 8, 4, _, _, total, number, ..]
            if u8::from(submit.esm_class) & 0x40 != 0 =>
        {
            (*number, *total)
        }
        _ => (1, 1),
    };
    for tlv in submit.tlvs() {
        match tlv.value() {
            Some(TlvValue::SarTotalSegments(total)) => place.1 = *total,
            Some(TlvValue::SarSegmentSeqnum(number)) => place.0 = *number,
            Some(TlvValue::MessagePayload(payload)) => octets = payload.value.to_vec(),
            _ => {}
        }
    }
    Submitted {
        to: submit.destination_addr.as_str().to_owned(),
        from: submit.source_addr.as_str().to_owned(),
        esm_class: u8::from(submit.esm_class),
        registered_delivery: u8::from(submit.registered_delivery),
        data_coding: u8::from(submit.data_coding),
        octets,
        place,
    }
}

fn from_phone(seen: &Submitted, class: u8) -> DeliverSm {
    DeliverSm::builder()
        .source_addr(COctetString::from_str(&seen.to).unwrap_or_default())
        .destination_addr(COctetString::from_str(&seen.from).unwrap_or_default())
        .esm_class(EsmClass::from(class))
        .build()
}

fn receipt(seen: &Submitted, id: &str, state: &str) -> DeliverSm {
    let mut deliver = from_phone(seen, 4);
    let text = format!(
        "id:{id} sub:001 dlvrd:001 submit date:2611251200 done date:2611251201 stat:{state} err:000 text:"
    );
    deliver.set_short_message(OctetString::from_string(text).unwrap_or_default());
    deliver
}

fn fields(seen: &Submitted, id: u32) -> DeliverSm {
    let mut deliver = from_phone(seen, 4);
    let name = COctetString::from_str(&id.to_string()).unwrap_or_default();
    deliver.push_tlv(Tlv::ReceiptedMessageId(name));
    deliver.push_tlv(Tlv::MessageState(MessageState::Delivered));
    deliver
}

fn stop(seen: &Submitted) -> DeliverSm {
    let mut deliver = from_phone(seen, 0);
    let octets: Vec<u8> = "СТОП".encode_utf16().flat_map(u16::to_be_bytes).collect();
    deliver.data_coding = DataCoding::from(UCS2);
    deliver.set_short_message(OctetString::from_vec(octets).unwrap_or_default());
    deliver
}
