//! Questions to many: what can be answered, and who answered what, families on paper included.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    super::{
        BotError,
        below::in_rows,
        page::{Choice, Page, State},
        turn::{Reply, Turn},
    },
    Task,
    announce::Expects,
};
use crate::{
    announce::answers,
    family::contact::Channel,
    store::{Heard, NewAnswer},
};

/// The usual answers, as they stand on the button.
const USUAL: [&str; 3] = [
    "teacher.poll_yes",
    "teacher.poll_agree",
    "teacher.poll_come",
];

/// How many families a list has at most.
const LISTED: usize = 40;

/// What families answered: for each student the numbers of the answers, from 1, that their guardians gave.
pub(crate) type Given = BTreeMap<i64, BTreeSet<usize>>;

/// The answers of families, from those of guardians.
pub(crate) fn given(answers: &BTreeMap<(i64, i64), usize>) -> Given {
    let mut given = Given::new();
    for ((_, student), number) in answers {
        given.entry(*student).or_default().insert(*number);
    }
    given
}

/// How many families answered what; those whose guardians do not agree stand apart.
pub(super) fn counted(answers: &[String], given: &Given, families: &BTreeSet<i64>) -> Value {
    let mut counts = vec![0_usize; answers.len()];
    let (mut divided, mut silent) = (0, 0);
    for family in families {
        let numbers = given.get(family);
        match numbers.map(|numbers| numbers.iter().copied().collect::<Vec<_>>()) {
            Some(one) if one.len() == 1 => {
                if let Some(count) = one[0].checked_sub(1).and_then(|at| counts.get_mut(at)) {
                    *count += 1;
                }
            }
            Some(_) => divided += 1,
            None => silent += 1,
        }
    }
    let counts: Vec<Value> = answers
        .iter()
        .zip(counts)
        .map(|(answer, count)| json!({ "answer": answer, "count": count }))
        .collect();
    json!({ "counts": counts, "divided": divided, "silent": silent })
}

impl Turn<'_> {
    /// What can be answered.
    pub(super) fn make_poll(&mut self) -> Result<Reply, BotError> {
        if let State::Drafting(draft) = &mut self.state {
            draft.expects = Expects::Answers;
        }
        let mut page = Page::new(self.tell("teacher.poll_answers")?);
        for (at, words) in USUAL.into_iter().enumerate() {
            let usual = self.button(words, Choice::Staff(Task::PollAs(at)))?;
            page = page.row(vec![usual]);
        }
        let back = self.button("parent.back_button", Choice::Staff(Task::Draft))?;
        Ok(page.row(vec![back]).into())
    }

    /// The usual answers.
    pub(super) async fn poll_as(&mut self, at: usize) -> Result<Reply, BotError> {
        let usual = self.tell(USUAL.get(at).unwrap_or(&USUAL[0]))?;
        if let State::Drafting(draft) = &mut self.state {
            draft.answers = answers(&usual).unwrap_or_default();
            draft.expects = Expects::Text;
        }
        self.check().await
    }

    /// Answers were typed.
    pub(super) async fn type_answers(&mut self, text: &str) -> Result<Reply, BotError> {
        let Some(read) = answers(text) else {
            let back = self.button("parent.back_button", Choice::Staff(Task::Draft))?;
            let page = Page::new(self.tell("teacher.poll_wrong")?);
            return Ok(page.row(vec![back]).into());
        };
        if let State::Drafting(draft) = &mut self.state {
            draft.answers = read;
            draft.expects = Expects::Text;
        }
        self.check().await
    }

    /// Nothing is asked any more.
    pub(super) async fn no_answers(&mut self) -> Result<Reply, BotError> {
        if let State::Drafting(draft) = &mut self.state {
            draft.answers.clear();
        }
        self.check().await
    }

    /// Who answered what, by name where the messenger may carry names.
    pub(super) async fn who_answered(&mut self, id: i64) -> Result<Reply, BotError> {
        let Some((announced, heard)) = self.of_mine(id).await? else {
            return self.home().await;
        };
        let given = self.tx.answers_to(id).await?;
        let mut lists = Vec::new();
        for (number, answer) in (1..).zip(&announced.answers) {
            let mut names = Vec::new();
            for one in heard.iter().filter(|_| self.names()) {
                if given.get(&(one.guardian_id, one.student_id)) == Some(&number) {
                    names.push(one.guardian.clone());
                }
            }
            let count = given.values().filter(|known| **known == number).count();
            lists.push(json!({ "answer": answer, "count": count, "names": names }));
        }
        let text = self.say("teacher.answered_list", &json!({ "lists": lists }))?;
        let enter = self.button("teacher.enter_button", Choice::Staff(Task::Enter(id)))?;
        let back = self.button("parent.back_button", Choice::Staff(Task::Report(id)))?;
        Ok(Page::new(text).row(vec![enter]).row(vec![back]).into())
    }

    /// The families that have not answered: what one said on paper or by telephone is entered for it.
    pub(super) async fn enter(&mut self, id: i64) -> Result<Reply, BotError> {
        let silent = self.silent(id).await?;
        let sentence = if silent.is_empty() {
            "teacher.enter_nobody"
        } else {
            "teacher.enter"
        };
        let mut page = Page::new(self.tell(sentence)?);
        for one in silent.iter().take(LISTED) {
            let Some(child) = self.tx.child(one.student_id, 0, self.today).await? else {
                continue;
            };
            let called = self.child_called(&child)?;
            let task = Task::EnterFor(id, one.student_id);
            page = page.row(vec![(called, Choice::Staff(task))]);
        }
        let back = self.button("parent.back_button", Choice::Staff(Task::Answers(id)))?;
        Ok(page.row(vec![back]).into())
    }

    /// What one family said.
    pub(super) async fn enter_for(&mut self, id: i64, student: i64) -> Result<Reply, BotError> {
        let silent = self.silent(id).await?;
        let child = self.tx.child(student, 0, self.today).await?;
        let (Some(_), Some(child), Some((announced, _))) = (
            silent.iter().find(|one| one.student_id == student),
            child,
            self.of_mine(id).await?,
        ) else {
            return self.enter(id).await;
        };
        let data = json!({ "who": self.child_called(&child)?, "question": announced.text });
        let mut page = Page::new(self.say("teacher.enter_for", &data)?);
        let answers = (1..).zip(announced.answers).map(|(number, label)| {
            let task = Task::EnterAs(id, student, number);
            (label, Choice::Staff(task))
        });
        for row in in_rows(answers.collect(), |(label, _)| label) {
            page = page.row(row);
        }
        let back = self.button("parent.back_button", Choice::Staff(Task::Enter(id)))?;
        Ok(page.row(vec![back]).into())
    }

    /// It is written down as said on paper.
    pub(super) async fn enter_as(
        &mut self,
        id: i64,
        (student, number): (i64, usize),
    ) -> Result<Reply, BotError> {
        let silent = self.silent(id).await?;
        let one = silent.into_iter().find(|one| one.student_id == student);
        if let Some(one) = one {
            let answer = NewAnswer {
                announcement_id: id,
                number,
                channel: Channel::Paper,
                entered_by: self.staff(),
                at: self.now,
            };
            let pair = (one.guardian_id, one.student_id);
            self.tx.answer_poll(&answer, &[pair]).await?;
        }
        self.enter(id).await
    }

    /// One guardian of each family that has not answered.
    async fn silent(&mut self, id: i64) -> Result<Vec<Heard>, BotError> {
        let Some((announced, heard)) = self.of_mine(id).await? else {
            return Ok(Vec::new());
        };
        if announced.answers.is_empty() || announced.cancelled_at.is_some() {
            return Ok(Vec::new());
        }
        let given = given(&self.tx.answers_to(id).await?);
        let mut silent: Vec<Heard> = Vec::new();
        for one in heard {
            let known = silent
                .iter()
                .any(|other| other.student_id == one.student_id);
            if !known && !given.contains_key(&one.student_id) {
                silent.push(one);
            }
        }
        Ok(silent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_counted_and_those_that_do_not_agree_stand_apart() {
        let answers = ["да", "нет"].map(String::from);
        let from_guardians = BTreeMap::from([
            ((1, 10), 1),
            ((2, 10), 1),
            ((3, 11), 2),
            ((4, 12), 1),
            ((5, 12), 2),
        ]);
        let counted = counted(&answers, &given(&from_guardians), &(10..14).collect());
        let wanted = json!({
            "counts": [{ "answer": "да", "count": 1 }, { "answer": "нет", "count": 1 }],
            "divided": 1, "silent": 1,
        });
        assert_eq!(counted, wanted);
    }
}
