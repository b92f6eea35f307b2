//! The pages for families: `/preferences/…`, on which they say how they want to hear, `/answer/…`, on which
//! they answer what a mail asks, and `/leave/…`, by which they take no more mails.
//!
//! A page is reached by a sealed link only, asks for no password and names nobody. Looking changes
//! nothing, because mail programs and scanners look; only a POST acts.

mod answer;

use std::{collections::BTreeMap, num::NonZeroU32, sync::Arc};

use anyhow::Result;
use axum::{
    Form, Router,
    extract::{DefaultBodyLimit, Path, Query, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::map_response,
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use chrono::{NaiveTime, TimeDelta};
use chrono_tz::Tz;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use handlebars::Handlebars;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    clock::Clock,
    family::preference::Preset,
    links::Links,
    store::{Choices, Store},
    zone,
};

/// A form has no more bytes than this.
const FORM: usize = 4 * 1024;

/// One link may be used this often in a minute: a person does not click faster.
const EACH_MINUTE: NonZeroU32 = NonZeroU32::new(20).expect("twenty is not zero");

/// How many hours of a day must be left for messages.
const AWAKE: TimeDelta = TimeDelta::hours(4);

/// Nothing from elsewhere, no script, in no frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What the pages need.
#[derive(Clone)]
pub struct Families {
    store: Store,
    links: Arc<Links>,
    clock: Clock,
    zone: Tz,
    templates: Arc<Handlebars<'static>>,
    rate: Arc<DefaultKeyedRateLimiter<String>>,
}

/// The form of preferences, as a browser sends it. A channel's timing stands under its code.
#[derive(Debug, Default, Deserialize)]
struct Filled {
    preset: Option<String>,
    quiet: Option<String>,
    quiet_from: Option<String>,
    quiet_to: Option<String>,
    large_print: Option<String>,
    #[serde(flatten)]
    others: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    saved: Option<String>,
}

/// Why a page is not shown.
enum Refused {
    /// The link is no good, or not any more.
    Link,
    /// It was used too often.
    TooOften,
    /// Something failed.
    Failed(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Families {
    /// Prepares the pages.
    ///
    /// # Errors
    /// A template that does not parse, which a test rules out.
    pub fn new(store: Store, links: Arc<Links>, clock: Clock, zone: Tz) -> Result<Self> {
        let mut templates = Handlebars::new();
        templates.set_strict_mode(true);
        for (name, source) in [
            (
                "preferences",
                include_str!("../../templates/web/preferences.hbs"),
            ),
            ("answer", include_str!("../../templates/web/answer.hbs")),
            ("leave", include_str!("../../templates/web/leave.hbs")),
            ("sorry", include_str!("../../templates/web/sorry.hbs")),
        ] {
            templates.register_template_string(name, source)?;
        }
        templates.register_partial("head", include_str!("../../templates/web/family_head.hbs"))?;
        Ok(Self {
            store,
            links,
            clock,
            zone,
            templates: Arc::new(templates),
            rate: Arc::new(RateLimiter::keyed(Quota::per_minute(EACH_MINUTE))),
        })
    }

    /// The paths.
    pub fn router(self) -> Router {
        Router::new()
            .route("/preferences/{sealed}", get(preferences).post(choose))
            .route("/leave/{sealed}", get(leave).post(leaves))
            .route("/answer/{sealed}", get(answer::asked).post(answer::answers))
            .route("/family.css", get(style))
            .layer(DefaultBodyLimit::max(FORM))
            .layer(map_response(guarded))
            .with_state(self)
    }

    /// Each true link has its own limit; what is not sealed never gets here.
    fn slowly(&self, name: &str) -> Result<(), Refused> {
        self.rate.retain_recent();
        let may = self.rate.check_key(&name.to_owned());
        may.map_err(|_| Refused::TooOften)
    }

    async fn whose(&self, sealed: &str) -> Result<i64, Refused> {
        let now = self.clock.now();
        let name = self.links.preferring(sealed, now).ok_or(Refused::Link)?;
        self.slowly(&name)?;
        self.store.link(&name, now).await?.ok_or(Refused::Link)
    }

    async fn preferences(&self, sealed: &str, saved: bool) -> Result<String, Refused> {
        let guardian = self.whose(sealed).await?;
        let choices = self.store.choices(guardian).await?;
        let data = form(&choices, &self.school().await?, saved, None);
        Ok(self.templates.render("preferences", &data)?)
    }

    async fn choose(&self, sealed: &str, filled: &Filled) -> Result<Response, Refused> {
        let guardian = self.whose(sealed).await?;
        let before = self.store.choices(guardian).await?;
        match read(filled, &before) {
            Ok(choices) => {
                if choices != before {
                    self.store
                        .choose(guardian, &choices, self.clock.now())
                        .await?;
                    tracing::info!("a family set its preferences");
                }
                let back = format!("/preferences/{sealed}?saved=1");
                Ok(Redirect::to(&back).into_response())
            }
            Err(problem) => {
                let data = form(&before, &self.school().await?, false, Some(problem));
                let page = self.templates.render("preferences", &data)?;
                Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response())
            }
        }
    }

    async fn leave(&self, sealed: &str, done: bool) -> Result<String, Refused> {
        let reference = self.links.leaving(sealed).ok_or(Refused::Link)?;
        self.slowly(&reference)?;
        let known = if done {
            let now = self.clock.now();
            let today = zone::local(now, self.zone).date();
            let left = self.store.leave_mail(&reference, (today, now)).await?;
            if left {
                tracing::info!(message = reference, "its readers take no more mails");
            }
            left
        } else {
            self.store.family_mail(&reference).await?.is_some()
        };
        if !known {
            return Err(Refused::Link);
        }
        let data = json!({"school": self.school().await?, "done": done});
        Ok(self.templates.render("leave", &data)?)
    }

    async fn school(&self) -> Result<String, Refused> {
        Ok(self.store.school_name().await?.unwrap_or_default())
    }

    fn page(&self, page: Result<String, Refused>) -> Response {
        match page {
            Ok(page) => Html(page).into_response(),
            Err(refused) => self.refuse(&refused),
        }
    }

    fn refuse(&self, refused: &Refused) -> Response {
        let (status, words) = match refused {
            Refused::Link => (
                StatusCode::NOT_FOUND,
                "Эта ссылка неверна или уже не действует. Новую даст классный руководитель.",
            ),
            Refused::TooOften => (
                StatusCode::TOO_MANY_REQUESTS,
                "Слишком много запросов подряд. Попробуйте через минуту.",
            ),
            Refused::Failed(error) => {
                tracing::error!(error = crate::app::story(error.as_ref()), "no page");
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "Страница сейчас не открывается. Попробуйте позже: ничего не потеряно.",
                )
            }
        };
        let page = self.templates.render("sorry", &json!({"words": words}));
        (status, Html(page.unwrap_or_default())).into_response()
    }
}

const CHANNELS: [(&str, &str); 3] = [
    ("email", "По электронной почте"),
    ("sms", "По SMS"),
    ("telegram", "В Telegram"),
];

const TIMINGS: [(&str, &str); 5] = [
    ("", "как выбрано выше"),
    ("at_once", "сразу"),
    ("daily", "раз в день"),
    ("weekly", "раз в неделю"),
    ("never", "не присылать"),
];

const PRESETS: [(&str, &str, &str); 4] = [
    (
        "daily",
        "Раз в день",
        "Одно сообщение вечером, если есть новое.",
    ),
    (
        "at_once",
        "Сразу",
        "Отметки и замечания вскоре после того, как их внесли.",
    ),
    (
        "important",
        "Только важное",
        "Пропуски, итоги и изменения сразу, остальное раз в неделю.",
    ),
    (
        "paper",
        "На бумаге",
        "Листок раз в неделю, ничего на телефон и почту.",
    ),
];

/// What the form shows.
fn form(choices: &Choices, school: &str, saved: bool, problem: Option<&str>) -> Value {
    let preset = choices.preset.as_deref().unwrap_or("daily");
    let presets: Vec<Value> = PRESETS
        .iter()
        .map(|(code, name, words)| {
            json!({"code": code, "name": name, "words": words, "chosen": *code == preset})
        })
        .collect();
    let channels: Vec<Value> = CHANNELS
        .iter()
        .filter_map(|(code, name)| {
            let chosen = choices.channels.get(*code)?.as_deref().unwrap_or_default();
            let timings: Vec<Value> = TIMINGS
                .iter()
                .map(|(code, name)| json!({"code": code, "name": name, "chosen": *code == chosen}))
                .collect();
            Some(json!({"code": code, "name": name, "timings": timings}))
        })
        .collect();
    let quiet = choices.quiet.as_deref();
    let (from, to) = quiet
        .and_then(|quiet| quiet.split_once('-'))
        .unwrap_or(("21:00", "07:30"));
    json!({
        "school": school,
        "saved": saved,
        "problem": problem,
        "presets": presets,
        "channels": channels,
        "single": choices.single,
        "quiet_usual": quiet.is_none(),
        "quiet_own": quiet.is_some_and(|quiet| quiet != "off"),
        "quiet_off": quiet == Some("off"),
        "quiet_from": from,
        "quiet_to": to,
        "large_print": choices.large_print,
    })
}

/// What a family filled in, or what is wrong with it in its own language.
fn read(filled: &Filled, before: &Choices) -> Result<Choices, &'static str> {
    let preset = filled.preset.as_deref().unwrap_or_default();
    if Preset::from_code(preset).is_none() {
        return Err("Выберите, как часто вам сообщать.");
    }
    let mut channels = BTreeMap::new();
    for channel in before.channels.keys() {
        let timing = filled
            .others
            .get(channel)
            .map(String::as_str)
            .unwrap_or_default();
        if !TIMINGS.iter().any(|(code, _)| *code == timing) {
            return Err("Выберите время для каждого способа из списка.");
        }
        let timing = (!timing.is_empty()).then(|| timing.to_owned());
        channels.insert(channel.clone(), timing);
    }
    let quiet = match filled.quiet.as_deref() {
        Some("off") => Some("off".to_owned()),
        Some("own") => Some(hours(filled)?),
        _ => None,
    };
    Ok(Choices {
        preset: Some(preset.to_owned()),
        quiet,
        large_print: filled.large_print.is_some(),
        channels,
        single: before.single,
    })
}

fn hours(filled: &Filled) -> Result<String, &'static str> {
    let time = |text: &Option<String>| {
        let text = text.as_deref().unwrap_or_default();
        NaiveTime::parse_from_str(text.get(..5).unwrap_or(text), "%H:%M").ok()
    };
    let both = time(&filled.quiet_from).zip(time(&filled.quiet_to));
    let (from, to) = both.ok_or("Напишите часы тишины так: с 21:00 до 07:30.")?;
    let mut awake = from - to;
    if awake < TimeDelta::zero() {
        awake += TimeDelta::days(1);
    }
    if from == to || awake < AWAKE {
        return Err(
            "Часы тишины слишком длинные: оставьте хотя бы четыре часа в сутки, или выберите бумагу.",
        );
    }
    Ok(format!("{}-{}", from.format("%H:%M"), to.format("%H:%M")))
}

/// What every answer carries: it is kept nowhere, leads nowhere and runs nothing.
async fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let headers_of: [(HeaderName, &'static str); 6] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ];
    for (name, value) in headers_of {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        let minute = HeaderValue::from_static("60");
        response.headers_mut().insert(header::RETRY_AFTER, minute);
    }
    response
}

async fn preferences(
    State(families): State<Families>,
    Path(sealed): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    let saved = asked.saved.is_some();
    families.page(families.preferences(&sealed, saved).await)
}

async fn choose(
    State(families): State<Families>,
    Path(sealed): Path<String>,
    Form(filled): Form<Filled>,
) -> Response {
    let chosen = families.choose(&sealed, &filled).await;
    chosen.unwrap_or_else(|refused| families.refuse(&refused))
}

async fn leave(State(families): State<Families>, Path(sealed): Path<String>) -> Response {
    families.page(families.leave(&sealed, false).await)
}

/// The body says only «List-Unsubscribe=One-Click»; that it is a POST is what counts (RFC 8058 §3.2).
async fn leaves(State(families): State<Families>, Path(sealed): Path<String>) -> Response {
    families.page(families.leave(&sealed, true).await)
}

async fn style() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/css; charset=utf-8")];
    (kind, include_str!("../../templates/web/family.css")).into_response()
}
