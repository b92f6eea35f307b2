//! The class teacher's register of sheets: who got one, whose slip came back.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{
        BotError,
        page::{Choice, Page, State},
        turn::{Reply, Turn},
    },
    Task,
};
use crate::{
    paper::handout::{Deed, How, Stand, Tick, code, rows},
    store::Entry,
    week::Week,
};

/// Why a sheet was not handed out: what stands on the button.
const REASONS: [&str; 3] = [
    "teacher.paper_ill",
    "teacher.paper_absent",
    "teacher.paper_refused",
];

/// What is done about the sheets of a class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SheetTask {
    /// To choose a class.
    List,
    /// The register of a class: of this week, or of the last one that was printed.
    Register(i64, Option<Week>),
    /// All of them are handed out.
    HandAll(i64, Week),
    /// Some of them are.
    HandSome(i64, Week),
    /// Slips came back.
    Slips(i64, Week),
    /// The pages, as a document.
    Pages(i64, Week),
    /// This one was not handed out, for this reason: `sheet.id`, and the place in the list.
    Keep(i64, Week, i64, usize),
}

impl Turn<'_> {
    /// Does what a class teacher chose about sheets.
    pub(super) async fn sheets(&mut self, task: SheetTask) -> Result<Reply, BotError> {
        match task {
            SheetTask::List => self.papers().await,
            SheetTask::Register(class, week) => self.paper(class, week).await,
            SheetTask::HandAll(class, week) => self.hand_all(class, week).await,
            SheetTask::HandSome(class, week) => {
                self.ask_rows(class, week, false, "teacher.paper_who")
            }
            SheetTask::Slips(class, week) => {
                self.ask_rows(class, week, true, "teacher.paper_slips")
            }
            SheetTask::Pages(class, week) => self.pages(class, week).await,
            SheetTask::Keep(class, week, sheet, reason) => {
                self.keep_sheet((class, week), sheet, reason).await
            }
        }
    }

    /// The registers of the own classes.
    async fn papers(&mut self) -> Result<Reply, BotError> {
        let classes = self.classes().await?;
        if let [(only, _)] = classes[..] {
            return self.paper(only, None).await;
        }
        let mut page = Page::new(self.tell("teacher.which_class")?);
        for row in classes.chunks(3) {
            let button = |(id, class): &(i64, crate::journal::class_name::ClassName)| {
                (class.to_string(), sheet(SheetTask::Register(*id, None)))
            };
            page = page.row(row.iter().map(button).collect());
        }
        Ok(page.row(self.back()?).into())
    }

    /// One register: of this week, or of the last one that was printed.
    async fn paper(&mut self, class: i64, week: Option<Week>) -> Result<Reply, BotError> {
        let Some(called) = self.class_called(class).await? else {
            return self.home().await;
        };
        let weeks = self.tx.weeks_on_paper(class).await?;
        let Some(week) = week.or_else(|| weeks.first().copied()) else {
            let text = self.say("teacher.no_paper", &json!({ "class": called }))?;
            return Ok(Page::new(text).row(self.back()?).into());
        };
        let register = self.tx.sheet_register(class, week).await?;
        let of = |stands: &[Stand]| {
            let count = register.iter().filter(|one| stands.contains(&one.stand));
            count.count()
        };
        let lines: Vec<Value> = register
            .iter()
            .map(|one| self.line(one))
            .collect::<Result<_, _>>()?;
        let special = register.iter().filter(|one| one.variant.is_some()).count();
        let data = json!({
            "class": called,
            "number": register.first().map(|one| one.number),
            "sheets": register.len(),
            "special": special,
            "handed": of(&[Stand::HandedOut, Stand::SlipBack, Stand::NoSlip]),
            "slips": of(&[Stand::SlipBack]),
            "lines": lines,
        });
        let mut page = Page::new(self.say("teacher.paper", &data)?);
        if of(&[Stand::Printed, Stand::NotHanded]) > 0 {
            let mut row = Vec::new();
            if of(&[Stand::Printed]) > 0 {
                let all = sheet(SheetTask::HandAll(class, week));
                row.push(self.button("teacher.paper_all_button", all)?);
            }
            let some = sheet(SheetTask::HandSome(class, week));
            row.push(self.button("teacher.paper_some_button", some)?);
            page = page.row(row);
        }
        page = page.row(vec![self.button(
            "teacher.paper_slips_button",
            sheet(SheetTask::Slips(class, week)),
        )?]);
        if self.names() && self.tx.run_of(class, week).await?.is_some() {
            let pages = sheet(SheetTask::Pages(class, week));
            page = page.row(vec![self.button("teacher.paper_pages_button", pages)?]);
        }
        if let Some(other) = weeks.iter().find(|other| **other != week) {
            let other = sheet(SheetTask::Register(class, Some(*other)));
            page = page.row(vec![self.button("teacher.paper_other_button", other)?]);
        }
        Ok(page.row(self.back()?).into())
    }

    /// The pages as a document, where the messenger may carry what is on them.
    async fn pages(&mut self, class: i64, week: Week) -> Result<Reply, BotError> {
        if !self.names() || self.own(&[class]).await?.is_empty() {
            return self.home().await;
        }
        let run = self.tx.run_of(class, week).await?;
        Ok(Reply {
            run,
            ..self.paper(class, Some(week)).await?
        })
    }

    /// All sheets that nobody has said anything of are handed out.
    async fn hand_all(&mut self, class: i64, week: Week) -> Result<Reply, BotError> {
        let Some(register) = self.own_register(class, week).await? else {
            return self.home().await;
        };
        let open = register.iter().filter(|one| one.stand == Stand::Printed);
        let open: Vec<Entry> = open.cloned().collect();
        self.say_of(&open, &Deed::HandOut(How::Student, None))
            .await?;
        self.paper(class, Some(week)).await
    }

    /// What is typed or photographed next says who got one, or whose slip came back.
    fn ask_rows(
        &mut self,
        class: i64,
        week: Week,
        slips: bool,
        words: &str,
    ) -> Result<Reply, BotError> {
        self.state = State::Paper { class, week, slips };
        let back = sheet(SheetTask::Register(class, Some(week)));
        let back = self.button("parent.back_button", back)?;
        Ok(Page::new(self.tell(words)?).row(vec![back]).into())
    }

    /// Rows were typed, or the code of a slip.
    pub(super) async fn type_rows(&mut self, text: &str) -> Result<Reply, BotError> {
        let State::Paper { class, week, slips } = self.state else {
            return self.home().await;
        };
        if let Some(code) = code(text).filter(|_| slips) {
            return self.take_slips(&[code]).await;
        }
        let Some(register) = self.own_register(class, week).await? else {
            self.state = State::Idle;
            return self.home().await;
        };
        let last = register.iter().map(|one| one.row).max().unwrap_or(0);
        let Some(wanted) = rows(text, last) else {
            let text = self.say("teacher.paper_wrong", &json!({ "last": last }))?;
            let back = sheet(SheetTask::Register(class, Some(week)));
            let back = self.button("parent.back_button", back)?;
            return Ok(Page::new(text).row(vec![back]).into());
        };
        self.state = State::Idle;
        let meant = register.iter().filter(|one| wanted.contains(&one.row));
        let meant: Vec<Entry> = meant.cloned().collect();
        if slips {
            let slip = Deed::TakeSlip(BTreeSet::from([Tick::Read]));
            self.say_of(&meant, &slip).await?;
            return self.paper(class, Some(week)).await;
        }
        self.say_of(&meant, &Deed::HandOut(How::Student, None))
            .await?;
        self.next_reason(class, week).await
    }

    /// A photo of slips was sent: their pictures hold the codes.
    pub(in crate::bot) async fn photographed(&mut self) -> Result<Reply, BotError> {
        let codes: Vec<String> = self.codes.iter().filter_map(|text| code(text)).collect();
        if codes.is_empty() {
            return Ok(Page::new(self.tell("teacher.paper_no_code")?)
                .row(self.back()?)
                .into());
        }
        self.take_slips(&codes).await
    }

    /// Slips came back, of the own classes only. The register stays open for further ones.
    async fn take_slips(&mut self, codes: &[String]) -> Result<Reply, BotError> {
        let State::Paper { class, week, .. } = self.state else {
            return self.home().await;
        };
        let mut taken = Vec::new();
        for code in codes {
            let Some(sheet) = self.tx.sheet_with(code).await? else {
                continue;
            };
            if self.own(&[sheet.class.0]).await?.is_empty() {
                continue;
            }
            let slip = Deed::TakeSlip(BTreeSet::from([Tick::Read]));
            self.say_of(std::slice::from_ref(&sheet), &slip).await?;
            taken.push(code.clone());
        }
        let data = json!({ "codes": taken });
        let text = self.say("teacher.paper_taken", &data)?;
        let back = sheet(SheetTask::Register(class, Some(week)));
        let back = self.button("parent.back_button", back)?;
        Ok(Page::new(text).row(vec![back]).into())
    }

    /// Asks why the next sheet was not handed out; the register where all is said.
    async fn next_reason(&mut self, class: i64, week: Week) -> Result<Reply, BotError> {
        let Some(register) = self.own_register(class, week).await? else {
            return self.home().await;
        };
        let Some(open) = register.iter().find(|one| one.stand == Stand::Printed) else {
            return self.paper(class, Some(week)).await;
        };
        let data = json!({ "row": open.row, "who": self.sheet_called(open) });
        let mut page = Page::new(self.say("teacher.paper_why", &data)?);
        for (at, words) in REASONS.into_iter().enumerate() {
            let keep = SheetTask::Keep(class, week, open.id, at);
            page = page.row(vec![self.button(words, sheet(keep))?]);
        }
        let later = sheet(SheetTask::Register(class, Some(week)));
        let later = self.button("teacher.paper_later_button", later)?;
        Ok(page.row(vec![later]).into())
    }

    /// A sheet was not handed out, for this reason.
    async fn keep_sheet(
        &mut self,
        (class, week): (i64, Week),
        sheet: i64,
        reason: usize,
    ) -> Result<Reply, BotError> {
        let Some(register) = self.own_register(class, week).await? else {
            return self.home().await;
        };
        let reason = self.tell(REASONS.get(reason).unwrap_or(&REASONS[0]))?;
        let meant = register.iter().filter(|one| one.id == sheet);
        let meant: Vec<Entry> = meant.cloned().collect();
        self.say_of(&meant, &Deed::Keep(reason)).await?;
        self.next_reason(class, week).await
    }

    /// The register of a class that this member of staff may speak to.
    async fn own_register(
        &mut self,
        class: i64,
        week: Week,
    ) -> Result<Option<Vec<Entry>>, BotError> {
        if self.own(&[class]).await?.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.tx.sheet_register(class, week).await?))
    }

    /// Says it of these sheets; what cannot be said of one is passed over, and the register shows it.
    async fn say_of(&mut self, sheets: &[Entry], deed: &Deed) -> Result<(), BotError> {
        let staff = self.staff();
        for sheet in sheets {
            let said = self
                .tx
                .say_of_sheet(sheet.id, deed, staff, self.now)
                .await?;
            if let Err(refused) = said {
                tracing::info!(sheet = sheet.id, %refused, "a word about a sheet");
            }
        }
        Ok(())
    }

    /// «Соколова М.», or the code where the messenger may carry no names.
    fn sheet_called(&self, sheet: &Entry) -> String {
        if self.names() {
            sheet.student.clone()
        } else {
            sheet.code.clone()
        }
    }

    fn line(&self, sheet: &Entry) -> Result<Value, BotError> {
        let stand = match sheet.stand {
            Stand::HandedOut => "teacher.sheet_handed",
            Stand::SlipBack => "teacher.sheet_signed",
            Stand::NoSlip => "teacher.sheet_no_slip",
            Stand::NotHanded => "teacher.sheet_kept",
            Stand::Missing => "teacher.sheet_lost",
            Stand::Spoiled => "teacher.sheet_spoiled",
            Stand::Printed | Stand::InRun | Stand::Reprinted => "teacher.sheet_printed",
        };
        Ok(json!({
            "row": sheet.row,
            "who": self.sheet_called(sheet),
            "stand": self.tell(stand)?,
            "because": sheet.kept_because,
            "large": sheet.variant.as_deref() == Some("large"),
        }))
    }
}

fn sheet(task: SheetTask) -> Choice {
    Choice::Staff(Task::Sheets(task))
}
