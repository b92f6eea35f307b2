//! The demo's pages: what arrived, a class, and a child with its family.

use std::{path::PathBuf, sync::Arc};

use anyhow::Result;
use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use chrono_tz::Tz;
use handlebars::Handlebars;
use serde_json::{Value, json};

use super::messages::{at, card};
use crate::{
    clock::Clock,
    explain::cell,
    family::{
        contact::Channel,
        preference::{Event, Timing},
        road::roads,
    },
    store::Store,
    web::page::{answer, templates},
    zone,
};

/// How many messages of each channel the page shows.
const SHOWN: usize = 8;

/// How many notices a child's page shows.
const TOLD: i64 = 120;

/// What the pages need.
#[derive(Clone)]
pub(super) struct Pages {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) zone: Tz,
    /// Where the sheets lie.
    pub(super) folder: PathBuf,
    pub(super) configured: Vec<Channel>,
    pub(super) templates: Arc<Handlebars<'static>>,
}

impl Pages {
    /// Prepares the pages.
    ///
    /// # Errors
    /// A template that does not parse, which a test rules out.
    pub(super) fn new(
        store: Store,
        clock: Clock,
        zone: Tz,
        folder: PathBuf,
        configured: Vec<Channel>,
    ) -> Result<Self> {
        Ok(Self {
            store,
            clock,
            zone,
            folder,
            configured,
            templates: Arc::new(templates()?),
        })
    }

    /// The paths. They show names and texts, so they listen on this machine only.
    pub(super) fn router(self) -> Router {
        Router::new()
            .route("/", get(overview))
            .route("/classes/{id}", get(class))
            .route("/students/{id}", get(student))
            .route("/sheets/{file}", get(sheet))
            .with_state(self)
    }

    async fn overview(&self) -> Result<String> {
        let now = self.clock.now();
        let status = self.store.status(now).await?;
        let newest = self.store.newest(150).await?;
        let of = |channel: &str| -> Vec<Value> {
            newest
                .iter()
                .filter(|history| history.channel == channel)
                .take(SHOWN)
                .map(|history| card(history, self.zone))
                .collect()
        };
        let messages: Vec<Value> = status
            .messages
            .iter()
            .map(|(channel, states)| json!({"channel": channel, "states": states}))
            .collect();
        let today = zone::local(now, self.zone).date();
        let classes: Vec<Value> = self
            .store
            .classes(today)
            .await?
            .into_iter()
            .map(|(id, class)| json!({"id": id, "name": class.to_string()}))
            .collect();
        let sheets: Vec<Value> = self
            .store
            .sheet_files()
            .await?
            .into_iter()
            .filter_map(|(class, count, file)| {
                let file = PathBuf::from(file).file_name()?.to_str()?.to_owned();
                Some(json!({"class": class.to_string(), "count": count, "file": file}))
            })
            .collect();
        let corrections: Vec<Value> = self
            .store
            .corrections(i64::try_from(SHOWN).unwrap_or(8))
            .await?
            .into_iter()
            .map(|(id, student, one)| {
                let (reference, channel) = one.message.unwrap_or_default();
                json!({
                    "id": id, "student": student, "guardian": one.guardian, "event": one.event,
                    "what": one.what, "reference": reference, "channel": channel,
                })
            })
            .collect();
        let reasons: Vec<Value> = self
            .store
            .paper_reasons()
            .await?
            .into_iter()
            .map(|(why, count)| json!({"why": why.replace('_', " "), "count": count}))
            .collect();
        let data = json!({
            "corrections": corrections,
            "reasons": reasons,
            "now": zone::local(now, self.zone).format("%A, %d %B %Y, %H:%M").to_string(),
            "messages": messages,
            "notices": status.notices,
            "in_doubt": status.in_doubt,
            "duplicates": status.possible_duplicates,
            "classes": classes,
            "sheets": sheets,
            "sms": of("sms"),
            "telegram": of("telegram"),
            "email": of("email"),
        });
        Ok(self.templates.render("demo", &data)?)
    }

    async fn class(&self, id: i64) -> Result<Option<String>> {
        let today = zone::local(self.clock.now(), self.zone).date();
        let classes = self.store.classes(today).await?;
        let Some((_, class)) = classes.into_iter().find(|(other, _)| *other == id) else {
            return Ok(None);
        };
        let notices = self.store.class_notices(id).await?;
        let students: Vec<Value> = self
            .store
            .students_of(id, today)
            .await?
            .into_iter()
            .map(|(student, name)| {
                json!({"id": student, "name": name, "notices": notices.get(&student)})
            })
            .collect();
        let data = json!({"class": class.to_string(), "students": students});
        Ok(Some(self.templates.render("class", &data)?))
    }

    async fn student(&self, id: i64) -> Result<Option<String>> {
        let found = self.store.find_students(&id.to_string()).await?;
        let Some(student) = found.into_iter().find(|one| one.id == id) else {
            return Ok(None);
        };
        let today = zone::local(self.clock.now(), self.zone).date();
        let people = self.store.people(&[id], today).await?;
        let names = self
            .store
            .guardian_names(people.guardianships.iter().map(|tie| &tie.guardian_id))
            .await?;
        let family: Vec<Value> = roads(&people, id, Event::Mark, &self.configured, today)
            .into_iter()
            .map(|road| {
                json!({
                    "guardian": names.get(&road.guardian_id),
                    "hears": road.hears,
                    "channel": road.channel.map(Channel::code),
                    "timing": road.timing.map(Timing::code),
                    "why": road.why,
                })
            })
            .collect();
        let told: Vec<Value> = self
            .store
            .told_about(id, TOLD)
            .await?
            .into_iter()
            .map(|one| {
                let (reference, channel) = one.message.unwrap_or_default();
                json!({
                    "guardian": one.guardian,
                    "what": one.what,
                    "event": one.event,
                    "value": one.value.map(|value| cell(&value)),
                    "state": one.state,
                    "reason": one.reason,
                    "since": at(one.state_at, self.zone),
                    "reference": reference,
                    "channel": channel,
                })
            })
            .collect();
        let data = json!({
            "name": student.name,
            "class": student.hint,
            "family": family,
            "told": told,
        });
        Ok(Some(self.templates.render("student", &data)?))
    }
}

async fn overview(State(pages): State<Pages>) -> Response {
    answer(pages.overview().await.map(Some))
}

async fn class(State(pages): State<Pages>, Path(id): Path<i64>) -> Response {
    answer(pages.class(id).await)
}

async fn student(State(pages): State<Pages>, Path(id): Path<i64>) -> Response {
    answer(pages.student(id).await)
}

/// A sheet's file. Only a plain name of the folder is taken, so that no path leads out of it.
async fn sheet(State(pages): State<Pages>, Path(file): Path<String>) -> Response {
    let plain = !file.contains(['/', '\\']) && !file.starts_with('.');
    let path = pages.folder.join(&file);
    match tokio::fs::read(path).await {
        Ok(bytes) if plain => ([(header::CONTENT_TYPE, "application/pdf")], bytes).into_response(),
        _ => (StatusCode::NOT_FOUND, "there is no such sheet").into_response(),
    }
}
