//! A `submit_sm` of our own making, and what its answer means.

use std::time::Duration;

use rusmpp::{
    pdus::SubmitSm,
    tlvs::MessageSubmissionRequestTlvValue as Tlv,
    types::{AnyOctetString, COctetString, OctetString},
    values::{DataCoding, EsmClass, MessagePayload, Npi, RegisteredDelivery, Ton},
};
use rusmppc::error::Error;
use tokio::time::{Instant, timeout_at};
use vestnik_contract::{
    Fault, Reason,
    classify::{QUEUE_PAUSE, THROTTLE_PAUSE},
};

use crate::{
    Settings,
    line::{Line, Session, pause_until},
    pieces::Piece,
};

/// `command_status` of a centre that asks to send more slowly.
const THROTTLED: u32 = 0x58;
/// The same of a full queue.
const QUEUE_FULL: u32 = 0x14;

/// Bit of `esm_class`: the text begins with a header.
const HEADER: u8 = 0x40;

/// Who writes, as PDUs say it.
#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    sender: COctetString<1, 21>,
    ton: Ton,
    npi: Npi,
}

impl Addresses {
    /// A name is an alphanumeric address; digits are a number, and up to six of them a short one that
    /// only the operator knows.
    pub(crate) fn new(settings: &Settings) -> Self {
        let sender = settings.sender.as_deref().unwrap_or_default();
        let digits = sender.trim_start_matches('+');
        let number = !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit());
        let (ton, npi) = match (number, digits.len()) {
            (_, 0) => (0, 0),
            (true, ..=6) => (3, 0),
            (true, _) => (1, 1),
            (false, _) => (5, 0),
        };
        let written = if number { digits } else { sender };
        Self {
            // Its length was looked at before.
            sender: COctetString::from_string(written.to_owned()).unwrap_or_default(),
            ton: Ton::from(settings.sender_ton.unwrap_or(ton)),
            npi: Npi::from(settings.sender_npi.unwrap_or(npi)),
        }
    }

    /// A number in international form, as SMPP wants it: without its `+`.
    pub(crate) fn to(e164: &str) -> Option<COctetString<1, 21>> {
        let digits = e164.strip_prefix('+')?;
        let number = (8..=15).contains(&digits.len()) && digits.bytes().all(|c| c.is_ascii_digit());
        COctetString::from_string(digits.to_owned())
            .ok()
            .filter(|_| number)
    }

    /// The PDU of one piece. The library's defaults of `esm_class` and of what a full set of receipts is
    /// ask for acknowledgements of the phone's owner; both are therefore written out.
    pub(crate) fn submit(
        &self,
        to: &COctetString<1, 21>,
        piece: &Piece,
        reports: bool,
    ) -> SubmitSm {
        let mut submit = SubmitSm::builder()
            .source_addr_ton(self.ton)
            .source_addr_npi(self.npi)
            .source_addr(self.sender.clone())
            .dest_addr_ton(Ton::International)
            .dest_addr_npi(Npi::Isdn)
            .destination_addr(to.clone())
            .esm_class(EsmClass::from(if piece.header { HEADER } else { 0 }))
            .registered_delivery(RegisteredDelivery::from(u8::from(reports)))
            .data_coding(DataCoding::from(piece.data_coding))
            .build();
        if piece.payload {
            let octets = AnyOctetString::from_vec(piece.octets.clone());
            submit.push_tlv(Tlv::MessagePayload(MessagePayload::new(octets)));
        } else if let Ok(octets) = OctetString::from_vec(piece.octets.clone()) {
            submit.set_short_message(octets);
        }
        if let Some((reference, total, number)) = piece.sar {
            submit.push_tlv(Tlv::SarMsgRefNum(reference));
            submit.push_tlv(Tlv::SarTotalSegments(total));
            submit.push_tlv(Tlv::SarSegmentSeqnum(number));
        }
        submit
    }
}

/// Why a piece has no name of the centre's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It did not leave.
    NotSent(Reason),
    /// The centre refused it.
    Status(u32),
    /// Nobody knows whether it arrived.
    Unknown(Reason),
}

impl Line {
    /// Hands one piece over. With `again`, a centre that is too busy is asked again until `deadline`:
    /// what belongs to a text that has begun to leave cannot wait for another call.
    pub(crate) async fn submit(
        &self,
        session: &Session,
        pdu: SubmitSm,
        again: bool,
        deadline: Instant,
    ) -> Result<String, Refusal> {
        loop {
            let refusal = match self.submit_once(session, pdu.clone(), deadline).await {
                Err(refusal) => refusal,
                taken => return taken,
            };
            let pause = match refusal {
                Refusal::Status(THROTTLED) => THROTTLE_PAUSE,
                Refusal::Status(QUEUE_FULL) => QUEUE_PAUSE,
                _ => return Err(refusal),
            };
            let next = Instant::now() + pause;
            if !again || next >= deadline {
                return Err(refusal);
            }
            pause_until(next).await;
        }
    }

    async fn submit_once(
        &self,
        session: &Session,
        pdu: SubmitSm,
        deadline: Instant,
    ) -> Result<String, Refusal> {
        let busy = || {
            Refusal::NotSent(Reason::new(
                "smpp_window",
                "The SMS centre leaves too many messages without an answer.",
                Fault::Provider,
            ))
        };
        let place = timeout_at(deadline, self.window.acquire())
            .await
            .map_err(|_| busy())?;
        let _place = place.map_err(|_| busy())?;
        if !session.client.is_active() {
            return Err(Refusal::NotSent(lost(
                "The connection to the SMS centre was lost before the message left.",
            )));
        }
        let limit = deadline.min(Instant::now() + self.settings.timeout);
        // The library's time-out begins when the PDU is in the socket; a network that swallows everything
        // fills the socket first.
        let answer = timeout_at(
            limit + Duration::from_millis(50),
            session.client.submit_sm(pdu),
        );
        match answer.await {
            Err(_) | Ok(Err(Error::ResponseTimeout { .. })) => Err(Refusal::Unknown(Reason::new(
                "timeout",
                "The SMS centre did not answer in time.",
                Fault::Network,
            ))),
            Ok(Err(Error::UnexpectedResponse { response })) => {
                Err(Refusal::Status(u32::from(response.status())))
            }
            Ok(Err(_)) => Err(Refusal::Unknown(lost(
                "The connection broke before the SMS centre answered.",
            ))),
            Ok(Ok(response)) => Ok(response.message_id().as_str().to_owned()),
        }
    }
}

fn lost(text: &str) -> Reason {
    Reason::new("connection_lost", text, Fault::Network)
}
