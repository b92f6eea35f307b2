//! What people do on the board and by the command line, as it is written down: numbers and codes, never a name of a
//! family, an address or a text. Its words are made where it is shown, in the language of who reads.

use serde::Serialize;
use serde_json::Value;

/// Something that somebody did. Its code is the variant's name in snake case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "deed", rename_all = "snake_case")]
pub enum Deed<'a> {
    /// They gave their password, and have yet to give the second factor.
    GavePassword,
    /// They logged in.
    LoggedIn,
    /// Too many wrong passwords or codes: nobody gets in by this login for a while.
    Locked {
        /// `board_user.login`
        login: &'a str,
    },
    /// They set a password of their own.
    NewPassword,
    /// They set up their second factor.
    SecondFactor,
    /// Somebody may look at the board.
    AddUser {
        /// `board_user.login`
        login: &'a str,
        /// `board_user.role`
        role: &'a str,
    },
    /// Somebody has a new password, and sets up the second factor anew.
    ResetUser {
        /// `board_user.login`
        login: &'a str,
    },
    /// Somebody may look at the board no more.
    EndUser {
        /// `board_user.login`
        login: &'a str,
    },
    /// All sending is stopped.
    Pause,
    /// What waited for a decision is decided.
    DecideHold {
        /// `hold.id`
        hold: i64,
        /// `hold.verdict`
        verdict: &'a str,
    },
    /// An announcement is withdrawn.
    WithdrawAnnouncement {
        /// `announcement.id`
        announcement: i64,
    },
    /// A message is stopped, put on paper or tried again.
    Message {
        /// `message.ref`
        reference: &'a str,
        /// Which of these.
        what: &'a str,
    },
    /// A guardian has a new address.
    AddAddress {
        /// `guardian.id`
        guardian: i64,
        /// `contact.channel`
        channel: &'a str,
    },
    /// An address is given up.
    EndAddress {
        /// `guardian.id`
        guardian: i64,
        /// `contact.id`
        contact: i64,
    },
    /// An address is put right.
    CorrectAddress {
        /// `guardian.id`
        guardian: i64,
        /// `contact.id`
        contact: i64,
    },
    /// A person knows that an address works.
    VerifyAddress {
        /// `guardian.id`
        guardian: i64,
        /// `contact.id`
        contact: i64,
    },
    /// A consent, a refusal or a withdrawal is recorded.
    Consent {
        /// `guardian.id`
        guardian: i64,
        /// `student.id`
        student: i64,
        /// `consent.purpose`
        purposes: Vec<&'a str>,
        /// `consent.state`
        state: &'a str,
    },
    /// It is recorded how a guardian hears of a student.
    ServiceMode {
        /// `guardian.id`
        guardian: i64,
        /// `student.id`
        student: i64,
        /// `service_mode.ground` of paper; none where it is electronic again.
        ground: Option<&'a str>,
    },
    /// A complaint is recorded.
    Complaint {
        /// `student.id`
        student: i64,
        /// `complaint.kind`
        kind: &'a str,
    },
    /// A complaint is answered.
    AnswerComplaint {
        /// `student.id`
        student: i64,
        /// `complaint.id`
        complaint: i64,
    },
    /// The proof for a complaint is made.
    Proof {
        /// `student.id`
        student: i64,
        /// The first day.
        from: String,
        /// The last day.
        to: String,
    },
    /// It is said what became of a job that the printer does not know.
    PrintRun {
        /// `print_run.id`
        run: i64,
        /// Whether it came out, or is printed again.
        what: &'a str,
    },
    /// It is said what became of sheets.
    Sheets {
        /// The class.
        class: &'a str,
        /// The week, by the ISO calendar.
        week: String,
        /// What became of them.
        what: &'a str,
        /// How many they are.
        sheets: usize,
    },
    /// A test message is sent.
    Test {
        /// `lane.name`
        lane: &'a str,
    },
}

impl Deed<'_> {
    /// `audit.deed` and `audit.about`, which is a JSON object.
    pub fn written(&self) -> (String, String) {
        let mut about = serde_json::to_value(self).unwrap_or_default();
        let code = about.as_object_mut().and_then(|about| about.remove("deed"));
        let code = code.as_ref().and_then(Value::as_str).unwrap_or_default();
        (code.to_owned(), about.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deed_is_written_as_its_code_and_what_it_is_about() {
        let hold = Deed::DecideHold {
            hold: 7,
            verdict: "release",
        };
        let written = |deed: &Deed| {
            let (code, about) = deed.written();
            format!("{code} {about}")
        };
        assert_eq!(
            written(&hold),
            r#"decide_hold {"hold":7,"verdict":"release"}"#
        );
        assert_eq!(written(&Deed::Pause), "pause {}");
    }
}
