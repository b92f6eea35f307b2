//! What staff do: announce, see whom it reached, answer families, write to one of them, and hand their work on.
//!
//! Whose class it is, is asked at each step. What goes to families needs a PIN every eight hours.

mod announce;
mod attach;
mod desk;
mod families;
mod pin;
mod poll;
mod report;
mod sheets;
mod tokens;

use serde::{Deserialize, Serialize};
use serde_json::json;

pub(crate) use announce::Draft;
pub(super) use announce::channel_words;
pub(crate) use poll::given;
pub(crate) use report::told;
pub(crate) use sheets::SheetTask;
pub(crate) use tokens::Tokens;

use announce::Expects;

use super::{
    BotError,
    page::{Choice, Page, State},
    turn::{Reply, Turn},
};
use crate::journal::class_name::ClassName;

/// What a member of staff may choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Task {
    /// To begin a word to many.
    Announce,
    /// To these classes.
    To(Vec<i64>),
    /// With this of the prepared texts.
    Prepared(usize),
    /// To write it anew.
    Rewrite,
    /// To write it shorter, for SMS.
    Shorten,
    /// Whether it breaks into the night.
    Urgent(bool),
    /// `announcement.confirm`
    Confirm(String),
    /// To have families answer something.
    MakePoll,
    /// With these of the usual answers.
    PollAs(usize),
    /// Nothing is asked.
    NoPoll,
    /// No file comes with it.
    Detach,
    /// To see by name whom it reaches.
    List,
    /// To see it as each channel shows it.
    Preview,
    /// Back to the draft.
    Draft,
    /// To send it: the confirmation's name.
    Send(String),
    /// To forget the draft.
    Discard,
    /// To stop it before it leaves.
    Halt(i64),
    /// What was announced.
    Reports,
    /// What became of one.
    Report(i64),
    /// Whom to call, because paper would be late.
    Calls(i64),
    /// Who answered what: `announcement.id`.
    Answers(i64),
    /// To enter what a family answered on paper.
    Enter(i64),
    /// The family of this student.
    EnterFor(i64, i64),
    /// This answer, from 1.
    EnterAs(i64, i64, usize),
    /// To remind those who did not acknowledge one.
    Remind(i64),
    /// To take one back.
    Withdraw(i64),
    /// To take it back, for sure.
    WithdrawNow(i64),
    /// What families ask.
    Inquiries,
    /// One of them, to answer it.
    Inquiry(i64),
    /// To send the answer.
    SendAnswer,
    /// To write to one family.
    Note,
    /// Of this class.
    NoteTo(i64),
    /// Of this student.
    NoteFor(i64),
    /// In this kind: `remark.kind`.
    NoteKind(i64, String),
    /// To send the note.
    SendNote,
    /// To note who got which sheet.
    Sheets(SheetTask),
    /// Whom nothing electronic reaches.
    Unreachable,
    /// To have a colleague stand in.
    Delegate,
    /// This one, `staff.id`.
    DelegateTo(i64),
    /// For so many days.
    DelegateFor(i64, u64),
    /// Somebody else has my access.
    CutOff,
    /// They have, for sure.
    CutOffNow,
    /// A digit of the PIN.
    Digit(u8),
    /// The last digit was wrong.
    Erase,
}

impl Turn<'_> {
    /// The member of staff whose chat it is.
    pub(super) fn staff(&self) -> Option<i64> {
        self.owners.staff
    }

    /// The classes that they may speak to today.
    pub(super) async fn classes(&mut self) -> Result<Vec<(i64, ClassName)>, BotError> {
        match self.owners.staff {
            Some(staff) => Ok(self.tx.classes_of(staff, self.today).await?),
            None => Ok(Vec::new()),
        }
    }

    /// Of these classes, those that they may speak to today.
    pub(super) async fn own(&mut self, classes: &[i64]) -> Result<Vec<(i64, ClassName)>, BotError> {
        let mut own = self.classes().await?;
        own.retain(|(id, _)| classes.contains(id));
        Ok(own)
    }

    /// The buttons of staff on the main menu.
    pub(super) async fn staff_rows(&mut self) -> Result<Vec<Vec<(String, Choice)>>, BotError> {
        if self.classes().await?.is_empty() {
            return Ok(Vec::new());
        }
        let rows = [
            [
                ("teacher.announce_button", Task::Announce),
                ("teacher.reports_button", Task::Reports),
            ],
            [
                ("teacher.note_button", Task::Note),
                ("teacher.inquiries_button", Task::Inquiries),
            ],
            [
                ("teacher.papers_button", Task::Sheets(SheetTask::List)),
                ("teacher.unreachable_button", Task::Unreachable),
            ],
        ];
        let mut buttons = Vec::new();
        for row in rows {
            let mut shown = Vec::new();
            for (words, task) in row {
                shown.push(self.button(words, Choice::Staff(task))?);
            }
            buttons.push(shown);
        }
        let (delegate, cut) = (Choice::Staff(Task::Delegate), Choice::Staff(Task::CutOff));
        buttons.push(vec![
            self.button("teacher.delegate_button", delegate)?,
            self.button("teacher.cut_off_button", cut)?,
        ]);
        Ok(buttons)
    }

    /// The commands of a class teacher's chat (product table C1).
    pub(super) fn staff_commands() -> [(&'static str, &'static str, Task); 8] {
        [
            ("obyavlenie", "teacher.announce_button", Task::Announce),
            ("zapiska", "teacher.note_button", Task::Note),
            ("otchety", "teacher.reports_button", Task::Reports),
            ("voprosy", "teacher.inquiries_button", Task::Inquiries),
            (
                "listki",
                "teacher.papers_button",
                Task::Sheets(SheetTask::List),
            ),
            ("svyaz", "teacher.unreachable_button", Task::Unreachable),
            ("zamestitel", "teacher.delegate_button", Task::Delegate),
            ("vzlom", "teacher.cut_off_button", Task::CutOff),
        ]
    }

    /// Does what a member of staff chose, if they still may.
    pub(super) async fn work(&mut self, task: Task) -> Result<Reply, BotError> {
        if self.classes().await?.is_empty() {
            return self.home().await;
        }
        // What is typed belongs to what is open; everything else closes it.
        let keeps = matches!(
            task,
            Task::Prepared(_)
                | Task::Rewrite
                | Task::Shorten
                | Task::Urgent(_)
                | Task::Confirm(_)
                | Task::MakePoll
                | Task::PollAs(_)
                | Task::NoPoll
                | Task::Detach
                | Task::List
                | Task::Preview
                | Task::Draft
                | Task::Send(_)
                | Task::SendAnswer
                | Task::SendNote
                | Task::Digit(_)
                | Task::Erase
        );
        if !keeps {
            self.state = State::Idle;
        }
        match task {
            Task::Announce => self.announce().await,
            Task::To(classes) => self.announce_to(&classes).await,
            Task::Prepared(at) => self.prepared(at),
            Task::Rewrite => self.rewrite(),
            Task::Shorten => self.shorten(),
            Task::Urgent(urgent) => self.set_urgent(urgent).await,
            Task::Confirm(confirm) => self.set_confirm(confirm).await,
            Task::MakePoll => self.make_poll(),
            Task::PollAs(at) => self.poll_as(at).await,
            Task::NoPoll => self.no_answers().await,
            Task::Detach => self.detach().await,
            Task::List => self.list().await,
            Task::Preview => self.preview().await,
            Task::Draft => self.check().await,
            Task::Send(token) => self.send(token).await,
            Task::Discard => self.home().await,
            Task::Halt(id) => self.halt(id).await,
            Task::Reports => self.reports().await,
            Task::Report(id) => self.report(id).await,
            Task::Calls(id) => self.calls(id).await,
            Task::Answers(id) => self.who_answered(id).await,
            Task::Enter(id) => self.enter(id).await,
            Task::EnterFor(id, student) => self.enter_for(id, student).await,
            Task::EnterAs(id, student, number) => self.enter_as(id, (student, number)).await,
            Task::Remind(id) => self.remind(id).await,
            Task::Withdraw(id) => self.withdraw(id).await,
            Task::WithdrawNow(id) => self.withdraw_now(id).await,
            Task::Inquiries => self.inquiries().await,
            Task::Inquiry(id) => self.inquiry(id).await,
            Task::SendAnswer => self.send_answer().await,
            Task::Note => self.note().await,
            Task::NoteTo(class) => self.note_to(class).await,
            Task::NoteFor(student) => self.note_for(student).await,
            Task::NoteKind(student, kind) => self.note_kind(student, &kind).await,
            Task::SendNote => self.send_note().await,
            Task::Sheets(task) => self.sheets(task).await,
            Task::Unreachable => self.unreachable_families().await,
            Task::Delegate => self.delegate().await,
            Task::DelegateTo(colleague) => self.delegate_to(colleague).await,
            Task::DelegateFor(colleague, days) => self.delegate_for(colleague, days).await,
            Task::CutOff => self.cut_off(),
            Task::CutOffNow => self.cut_off_now().await,
            Task::Digit(digit) => self.digit(digit).await,
            Task::Erase => self.erase(),
        }
    }

    /// A member of staff typed something.
    pub(super) async fn typed(&mut self, text: &str) -> Result<Option<Reply>, BotError> {
        if self.classes().await?.is_empty() {
            return Ok(None);
        }
        Ok(match &mut self.state {
            State::Drafting(draft) if draft.expects == Expects::Answers => {
                Some(self.type_answers(text).await?)
            }
            State::Drafting(draft) => {
                draft.write(text);
                Some(self.check().await?)
            }
            State::Paper { .. } => Some(self.type_rows(text).await?),
            State::Answering { text: typed, .. } => {
                *typed = Some(text.to_owned());
                Some(self.check_words(text, Task::SendAnswer)?)
            }
            State::Noting { text: typed, .. } => {
                *typed = Some(text.to_owned());
                Some(self.check_words(text, Task::SendNote)?)
            }
            State::Idle | State::Asking { .. } | State::Pin { .. } => None,
        })
    }

    /// Shows once more what was typed before it leaves for a family.
    fn check_words(&self, text: &str, task: Task) -> Result<Reply, BotError> {
        let data = json!({ "text": text });
        let row = vec![
            self.button("parent.send_button", Choice::Staff(task))?,
            self.button("parent.cancel_button", Choice::Home)?,
        ];
        Ok(Page::new(self.say("teacher.check_words", &data)?)
            .row(row)
            .into())
    }
}
