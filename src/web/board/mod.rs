//! The board: what an administrator, a head or a class teacher sees of the work, and decides.
//!
//! Pages are made here and need no script; nothing on them comes from elsewhere. Who looks has logged in
//! (`door`), each request is theirs (`visit`), and what they do is written down in the transaction that does it.

mod door;
mod fault;
mod fields;
mod view;
mod visit;

mod announcements;
mod audit;
mod chart;
mod consents;
mod director;
mod families;
mod family;
mod held;
mod journal;
mod live;
mod messages;
mod now;
mod paper;
mod proof;
mod providers;
mod rules;
mod said;
mod users;
mod week;

use std::sync::Arc;

use anyhow::Result;
use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
    response::Response,
};
use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;
use serde_json::Value;
use tokio::sync::Notify;

use self::{
    director::Carried, door::Gate, fault::Fault, live::Live, now::Pictures, view::Views,
    visit::Visit, week::Weeks,
};
use super::health::Pulse;
use crate::{
    app::{self, Provider},
    backup::Backups,
    clock::Clock,
    config::Config,
    instant::Millis,
    links::Links,
    policy::Regulation,
    store::{Store, StoreError, Tx},
    text::Templates,
    user::{Room, deed::Deed},
    week::Week,
    zone,
};

/// A form has no more bytes than this.
const FORM: usize = 64 * 1024;

/// What the board needs.
#[derive(Clone)]
pub struct Board {
    store: Store,
    config: Arc<Config>,
    regulation: Arc<Regulation>,
    templates: Templates,
    links: Arc<Links>,
    providers: Arc<Vec<Provider>>,
    zone: Tz,
    clock: Clock,
    pulse: Pulse,
    look: Arc<Notify>,
    backups: Option<Backups>,
    views: Arc<Views>,
    gate: Arc<Gate>,
    weeks: Weeks,
    carried: Arc<Carried>,
    pictures: Pictures,
    live: Live,
}

/// What the board is made of.
pub struct Parts {
    /// Where everything is.
    pub store: Store,
    /// What the administrator decided.
    pub config: Arc<Config>,
    /// The rules that hold.
    pub regulation: Arc<Regulation>,
    /// The families' texts, for previews.
    pub templates: Templates,
    /// Who carries messages, to send tests with.
    pub providers: Vec<Provider>,
    /// The school's zone.
    pub zone: Tz,
    /// The time.
    pub clock: Clock,
    /// Whether the engine turns.
    pub pulse: Pulse,
    /// Has the engine look at once at what was decided.
    pub look: Arc<Notify>,
    /// What watches the backups, if anything does.
    pub backups: Option<Backups>,
}

impl Board {
    /// Prepares the pages; `links` is the key of second factors.
    ///
    /// # Errors
    /// A template that does not parse, which a test rules out.
    pub fn new(parts: Parts, links: Arc<Links>) -> Result<Self> {
        Ok(Self {
            views: Arc::new(Views::embedded()?),
            gate: Arc::new(Gate::new()?),
            weeks: Weeks::default(),
            carried: Arc::default(),
            pictures: Pictures::default(),
            live: Live::default(),
            store: parts.store,
            config: parts.config,
            regulation: parts.regulation,
            templates: parts.templates,
            links,
            providers: Arc::new(parts.providers),
            zone: parts.zone,
            clock: parts.clock,
            pulse: parts.pulse,
            look: parts.look,
            backups: parts.backups,
        })
    }

    /// The paths.
    pub fn router(self) -> Router {
        let rooms = [
            (
                Room::Now,
                now::routes().merge(held::routes()).merge(live::routes()),
            ),
            (Room::Week, week::routes().merge(director::routes())),
            (Room::Messages, messages::routes()),
            (
                Room::Families,
                families::routes()
                    .merge(consents::routes())
                    .merge(proof::routes()),
            ),
            (Room::Paper, paper::routes()),
            (Room::Announcements, announcements::routes()),
            (Room::Providers, providers::routes()),
            (Room::Rules, rules::routes()),
            (Room::Journal, journal::routes()),
            (Room::Audit, audit::routes()),
            (Room::Users, users::routes()),
        ];
        let mut inside = door::inside();
        for (room, routes) in rooms {
            inside = inside.merge(routes.route_layer(from_fn(move |request, next| {
                visit::room(room, request, next)
            })));
        }
        inside
            .route_layer(from_fn_with_state(self.clone(), visit::enter))
            .merge(door::outside())
            .fallback(|| async { Fault::Nothing })
            .layer(from_fn_with_state(self.clone(), fault::dressed))
            .layer(DefaultBodyLimit::max(FORM))
            .with_state(self)
    }

    /// A page of a room.
    async fn page(
        &self,
        visit: &Visit,
        room: Room,
        name: &str,
        data: Value,
    ) -> Result<Response, Fault> {
        let school = self.store.school_name().await?.unwrap_or_default();
        self.views.page(visit, (room, &school), name, data)
    }

    /// A sentence in the language of who looks.
    fn say(&self, visit: &Visit, name: &str, data: &Value) -> Result<String, Fault> {
        Ok(self.views.say(visit.language(), name, data)?)
    }

    /// What was said of a failure, in the language of who looks.
    fn said(&self, visit: &Visit, said: &str) -> String {
        self.views.said(visit.language(), said)
    }

    fn now(&self) -> Millis {
        self.clock.now()
    }

    fn today(&self) -> NaiveDate {
        zone::local(self.now(), self.zone).date()
    }

    /// «28.11, 18:10», as lists show an instant.
    fn at(&self, instant: Millis) -> String {
        let local = zone::local(instant, self.zone);
        let format = if local.year() == self.today().year() {
            "%d.%m, %H:%M"
        } else {
            "%d.%m.%Y, %H:%M"
        };
        local.format(format).to_string()
    }

    /// The week to which counts what comes in now. From Friday's sheets on, it is the next one.
    fn next_sheets(&self) -> Week {
        let policy = self.regulation.policy.clone();
        app::rules(&self.config, self.zone, policy).week(self.now())
    }

    /// Begins what somebody does: it is written down in the same transaction.
    async fn deed(&self, visit: &Visit, deed: &Deed<'_>) -> Result<Tx, StoreError> {
        let by = (Some(visit.user.id), visit.user.login.as_str());
        self.store.deed(by, deed, self.now()).await
    }

    /// Ends what was begun, and has the engine look at once.
    async fn done(&self, tx: Tx) -> Result<(), StoreError> {
        tx.commit().await?;
        self.look.notify_one();
        Ok(())
    }
}
