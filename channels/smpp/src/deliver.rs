//! What a `deliver_sm` says: a receipt, in one of the forms that SMS centres write it in, or a text from
//! a phone.

use rusmpp::{pdus::DeliverSm, tlvs::TlvValue, values::MessageState};
use vestnik_contract::{
    Delivery, Fault, Reason, Received,
    received::{Receipt, Text},
};
use vestnik_sms::{phone, septets};

use crate::pieces::{GSM7, UCS2};

/// In which spelling receipts name a message, beside the answer to its `submit_sm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptIds {
    /// Nobody knows: the same, or one of the two other ways.
    Auto,
    /// The same, but for case and leading zeros.
    Same,
    /// In hexadecimal what the answer wrote in decimal.
    Hex,
    /// In decimal what the answer wrote in hexadecimal.
    Decimal,
}

impl ReceiptIds {
    /// All spellings, by the names of the configuration.
    pub const ALL: [(&'static str, Self); 4] = [
        ("auto", Self::Auto),
        ("same", Self::Same),
        ("hex", Self::Hex),
        ("decimal", Self::Decimal),
    ];

    /// The spelling of this name.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find_map(|(name, ids)| (name == code).then_some(ids))
    }

    /// How the answer to `submit_sm` may have written the name that a receipt writes like this.
    fn spellings(self, id: &str) -> Vec<String> {
        let same = bare(id);
        let from_hex = u128::from_str_radix(&same, 16).map(|number| number.to_string());
        let from_decimal = same.parse().map(|number: u128| format!("{number:x}"));
        let mut spellings = match self {
            Self::Auto => vec![Some(same), from_hex.ok(), from_decimal.ok()],
            Self::Same => vec![Some(same)],
            Self::Hex => vec![from_hex.ok()],
            Self::Decimal => vec![from_decimal.ok()],
        };
        spellings.dedup();
        spellings.into_iter().flatten().collect()
    }
}

/// A name in small letters and without leading zeros.
fn bare(id: &str) -> String {
    id.trim().trim_start_matches('0').to_ascii_lowercase()
}

/// Bits of `esm_class` (SMPP 3.4 §5.2.12): what kind of message it is, and whether it begins with a
/// header.
const KIND: u8 = 0b0011_1100;
const RECEIPT: u8 = 0b0000_0100;
const NOTIFICATION: u8 = 0b0010_0000;
const HEADER: u8 = 0b0100_0000;

/// Reads a `deliver_sm`; none where it says nothing that anybody here waits for.
pub(crate) fn read(deliver: &DeliverSm, ids: ReceiptIds) -> Option<Received> {
    let class = u8::from(deliver.esm_class);
    let octets = octets(deliver);
    let address = phone::normalise(&format!(
        "+{}",
        deliver.source_addr.as_str().trim_start_matches('+')
    ))
    .ok();
    let words = String::from_utf8_lossy(octets).into_owned();
    let id = tlv(deliver, |value| match value {
        TlvValue::ReceiptedMessageId(id) => Some(id.as_str().to_owned()),
        _ => None,
    })
    .filter(|id| !id.trim().is_empty());
    // Not every centre marks its receipts as such.
    let marked = matches!(class & KIND, RECEIPT | NOTIFICATION);
    let looks_like =
        id.is_some() || (field(&words, "id").is_some() && field(&words, "stat").is_some());
    if marked || (class & KIND == 0 && looks_like) {
        let id = id.or_else(|| field(&words, "id"))?;
        let state = tlv(deliver, |value| match value {
            TlvValue::MessageState(state) => Some(*state),
            _ => None,
        });
        return Some(Received::Receipt(Receipt {
            spellings: ids.spellings(&id),
            provider_ref: id,
            address,
            delivery: delivery(state, &words),
        }));
    }
    // Acknowledgements of phones are not asked for.
    if class & KIND != 0 {
        return None;
    }
    let data_coding = u8::from(deliver.data_coding);
    let body = if class & HEADER == 0 {
        octets
    } else {
        octets.get(usize::from(*octets.first()?) + 1..)?
    };
    Some(Received::Text(Text {
        from: address?,
        text: decode(body, data_coding),
    }))
}

/// The text, wherever it stands.
fn octets(deliver: &DeliverSm) -> &[u8] {
    let short: &[u8] = deliver.short_message().as_ref();
    if !short.is_empty() {
        return short;
    }
    deliver
        .tlvs()
        .iter()
        .find_map(|tlv| match tlv.value() {
            Some(TlvValue::MessagePayload(payload)) => Some(payload.value.as_ref()),
            _ => None,
        })
        .unwrap_or_default()
}

fn tlv<T>(deliver: &DeliverSm, pick: impl Fn(&TlvValue) -> Option<T>) -> Option<T> {
    deliver
        .tlvs()
        .iter()
        .filter_map(rusmpp::tlvs::Tlv::value)
        .find_map(pick)
}

/// A field of the receipt's text, as in `id:123 sub:001 dlvrd:001 … stat:DELIVRD err:000 text:…`. The
/// text of the message itself, which may hold anything, stands behind `text:`.
fn field(words: &str, name: &str) -> Option<String> {
    let lower = words.to_ascii_lowercase();
    let end = lower.find("text:").unwrap_or(lower.len());
    let key = format!("{name}:");
    let mut from = 0;
    while let Some(at) = lower[from..end].find(&key).map(|at| from + at) {
        from = at + key.len();
        if at == 0 || lower.as_bytes()[at - 1].is_ascii_whitespace() {
            let value = words[from..end].split_whitespace().next()?;
            return Some(value.to_owned());
        }
    }
    None
}

/// What became of the message: by the state's number, else by its name in the text.
fn delivery(state: Option<MessageState>, words: &str) -> Option<Delivery> {
    let name = match state.map(u8::from) {
        Some(0) => "sched".to_owned(),
        Some(1) => "enrou".to_owned(),
        Some(2) => "deliv".to_owned(),
        Some(3) => "expir".to_owned(),
        Some(4) => "delet".to_owned(),
        Some(5) => "undel".to_owned(),
        Some(6) => "accep".to_owned(),
        Some(8) => "rejec".to_owned(),
        Some(9) => "skipp".to_owned(),
        Some(_) => return None,
        None => field(words, "stat")?.to_ascii_lowercase(),
    };
    let failed = |code: &str, text: &str| {
        let error =
            field(words, "err").filter(|error| error.chars().all(|c| c.is_ascii_alphanumeric()));
        let code = match error {
            Some(error) if error.len() <= 8 => format!("smpp_{code}_{error}"),
            _ => format!("smpp_{code}"),
        };
        Some(Delivery::Undelivered {
            reason: Reason::new(code, text, Fault::Provider),
        })
    };
    match name.get(..5)? {
        "deliv" => Some(Delivery::Delivered),
        "enrou" | "accep" | "sched" | "buffe" => Some(Delivery::UnderWay { provider_ref: None }),
        "expir" => failed(
            "expired",
            "The phone was out of reach until the SMS had expired.",
        ),
        "undel" => failed("undeliv", "The operator could not deliver the SMS."),
        "rejec" => failed("rejectd", "The operator refused the SMS."),
        "delet" => failed("deleted", "The operator deleted the SMS."),
        "skipp" | "faile" => failed("failed", "The operator could not deliver the SMS."),
        _ => None,
    }
}

/// The words of a phone.
fn decode(octets: &[u8], data_coding: u8) -> String {
    match data_coding {
        GSM7 => septets::decode(octets),
        UCS2 => {
            let units: Vec<u16> = octets
                .chunks_exact(2)
                .map(|unit| u16::from_be_bytes([unit[0], unit[1]]))
                .collect();
            String::from_utf16_lossy(&units)
        }
        // ISO 8859-5, where the Cyrillic letters stand as far apart as in Unicode.
        6 => octets
            .iter()
            .map(|&octet| match octet {
                0xA1..=0xEF | 0xF1..=0xFC | 0xFE..=0xFF => {
                    char::from_u32(0x360 + u32::from(octet)).unwrap_or('?')
                }
                other => char::from(other),
            })
            .collect(),
        // ASCII and Latin-1; and what nobody can read anyway.
        _ => octets.iter().copied().map(char::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use proptest::prelude::*;
    use rusmpp::{
        tlvs::MessageDeliveryRequestTlvValue as Tlv,
        types::{AnyOctetString, COctetString, OctetString},
        values::{DataCoding, EsmClass, MessagePayload},
    };

    use super::*;

    const TEXT: &str = "id:0001A2B sub:001 dlvrd:001 submit date:2611251200 done date:2611251201 stat:DELIVRD err:000 text:id:7 stat:UNDELIV";

    fn deliver(class: u8, text: &[u8]) -> DeliverSm {
        DeliverSm::builder()
            .source_addr(COctetString::from_str("79161234500").expect("a number"))
            .esm_class(EsmClass::from(class))
            .short_message(OctetString::from_slice(text).expect("short"))
            .build()
    }

    fn receipt(deliver: &DeliverSm) -> Receipt {
        match read(deliver, ReceiptIds::Auto) {
            Some(Received::Receipt(receipt)) => receipt,
            other => panic!("no receipt: {other:?}"),
        }
    }

    #[test]
    fn a_receipt_is_read_from_its_text_whether_it_is_marked_or_not() {
        for class in [RECEIPT, 0] {
            let receipt = receipt(&deliver(class, TEXT.as_bytes()));
            assert_eq!(receipt.provider_ref, "0001A2B");
            assert_eq!(receipt.spellings, ["1a2b", "6699"]);
            assert_eq!(receipt.address.as_deref(), Some("+79161234500"));
            assert_eq!(receipt.delivery, Some(Delivery::Delivered));
        }
    }

    #[test]
    fn a_receipt_is_read_from_its_fields_alone() {
        let mut fields = deliver(RECEIPT, b"");
        fields.push_tlv(Tlv::ReceiptedMessageId(
            COctetString::from_str("1000007").expect("an id"),
        ));
        fields.push_tlv(Tlv::MessageState(MessageState::Expired));
        let receipt = receipt(&fields);
        assert_eq!(receipt.provider_ref, "1000007");
        let Some(Delivery::Undelivered { reason }) = receipt.delivery else {
            panic!("{:?}", receipt.delivery)
        };
        assert_eq!(reason.code, "smpp_expired");
    }

    #[test]
    fn a_receipt_may_stand_in_the_payload() {
        let mut payload = deliver(RECEIPT, b"");
        payload.push_tlv(Tlv::MessagePayload(MessagePayload::new(
            AnyOctetString::from_slice(TEXT.as_bytes()),
        )));
        assert_eq!(receipt(&payload).provider_ref, "0001A2B");
    }

    #[test]
    fn every_state_has_its_meaning() {
        let state = |stat: &str| {
            let text = format!("ID: 7 Stat:{stat} err:0x1");
            receipt(&deliver(RECEIPT, text.as_bytes())).delivery
        };
        assert_eq!(state("DELIVRD"), Some(Delivery::Delivered));
        for under_way in ["ENROUTE", "ACCEPTD"] {
            assert!(matches!(state(under_way), Some(Delivery::UnderWay { .. })));
        }
        for failed in ["UNDELIV", "EXPIRED", "REJECTD", "DELETED"] {
            assert!(matches!(state(failed), Some(Delivery::Undelivered { .. })));
        }
        assert_eq!(state("UNKNOWN"), None);
        assert_eq!(state("Жжжж"), None);
    }

    #[test]
    fn an_id_is_spelled_as_the_centre_spells_it() {
        let spell = |ids: ReceiptIds, id| ids.spellings(id);
        assert_eq!(spell(ReceiptIds::Auto, "000F4247"), ["f4247", "1000007"]);
        assert_eq!(spell(ReceiptIds::Auto, "0010"), ["10", "16", "a"]);
        assert_eq!(spell(ReceiptIds::Auto, "EX-7"), ["ex-7"]);
        assert_eq!(spell(ReceiptIds::Same, "00AB"), ["ab"]);
        assert_eq!(spell(ReceiptIds::Hex, "000F4247"), ["1000007"]);
        assert_eq!(spell(ReceiptIds::Decimal, "1000007"), ["f4247"]);
    }

    #[test]
    fn a_text_from_a_phone_is_read_in_its_alphabet() {
        let utf16: Vec<u8> = "СТОП".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let with_header = [&[5, 0, 3, 1, 1, 1][..], &utf16].concat();
        let latin5 = [0xC1, 0xC2, 0xBE, 0xBF];
        let cases: [(u8, u8, &[u8], &str); 5] = [
            (0, 8, &utf16, "СТОП"),
            (HEADER, 8, &with_header, "СТОП"),
            (0, 6, &latin5, "СТОП"),
            (0, 0, b"STOP", "STOP"),
            (0, 3, b"stop", "stop"),
        ];
        for (class, coding, octets, words) in cases {
            let mut deliver = deliver(class, octets);
            deliver.data_coding = DataCoding::from(coding);
            let expected = Received::Text(Text {
                from: "+79161234500".into(),
                text: words.into(),
            });
            assert_eq!(read(&deliver, ReceiptIds::Auto), Some(expected), "{coding}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_nothing_panics(class: u8, coding: u8, octets in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut deliver = deliver(class, &octets);
            deliver.data_coding = DataCoding::from(coding);
            read(&deliver, ReceiptIds::Auto);
        }

        #[test]
        fn a_strange_text_is_searched_without_panic(text in "(id:|stat:|text:|[а-я İ]){0,20}") {
            let cut: Vec<u8> = text.into_bytes().into_iter().take(200).collect();
            read(&deliver(RECEIPT, &cut), ReceiptIds::Auto);
        }
    }
}
