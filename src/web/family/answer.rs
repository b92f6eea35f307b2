//! The page `/answer/…`, on which the readers of a mail answer what it asks.

use axum::{
    Form,
    extract::{Path, Query, State},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Asked, Families, Refused};
use crate::{family::contact::Channel, store::NewAnswer};

/// The form of one question, as a browser sends it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Filled {
    /// `announcement.id`
    poll: Option<i64>,
    /// The number of the answer, from 1.
    answer: Option<usize>,
}

impl Families {
    async fn asked(&self, sealed: &str, saved: bool) -> Result<String, Refused> {
        let reference = self.links.answering(sealed).ok_or(Refused::Link)?;
        self.slowly(&reference)?;
        let asked = self.store.asked_by_mail(&reference).await?;
        let polls: Vec<Value> = asked
            .into_iter()
            .map(|(poll, own)| {
                let answers: Vec<Value> = (1..)
                    .zip(&poll.answers)
                    .map(|(number, label)| {
                        json!({"number": number, "label": label, "chosen": own == Some(number)})
                    })
                    .collect();
                json!({"id": poll.announcement_id, "question": poll.question, "answers": answers})
            })
            .collect();
        let data = json!({"school": self.school().await?, "saved": saved, "polls": polls});
        Ok(self.templates.render("answer", &data)?)
    }

    async fn answers(&self, sealed: &str, filled: &Filled) -> Result<Response, Refused> {
        let reference = self.links.answering(sealed).ok_or(Refused::Link)?;
        self.slowly(&reference)?;
        let back = format!("/answer/{sealed}");
        let (Some(poll), Some(number)) = (filled.poll, filled.answer) else {
            return Ok(Redirect::to(&back).into_response());
        };
        let answer = NewAnswer {
            announcement_id: poll,
            number,
            channel: Channel::Email,
            entered_by: None,
            at: self.clock.now(),
        };
        if !self.store.answer_by_mail(&reference, &answer).await? {
            return Ok(Redirect::to(&back).into_response());
        }
        tracing::info!(message = reference, "its readers answered a question");
        Ok(Redirect::to(&format!("{back}?saved=1")).into_response())
    }
}

pub(super) async fn asked(
    State(families): State<Families>,
    Path(sealed): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    let saved = asked.saved.is_some();
    families.page(families.asked(&sealed, saved).await)
}

pub(super) async fn answers(
    State(families): State<Families>,
    Path(sealed): Path<String>,
    Form(filled): Form<Filled>,
) -> Response {
    let answered = families.answers(&sealed, &filled).await;
    answered.unwrap_or_else(|refused| families.refuse(&refused))
}
