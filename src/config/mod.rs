//! The configuration: one file, every key overridable by the environment, every error at once.

mod channels;
mod places;
mod read;

use std::{
    collections::BTreeMap,
    fmt, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use chrono_tz::Tz;
use figment::{
    Figment,
    providers::{Data, Format, Serialized, Toml},
};

use crate::{
    family::contact::Channel,
    journal::school::School,
    money::{Budget, Tariff},
    policy::{RULES, Regulation, Wrong},
    secret::Secret,
};
pub use channels::{
    BounceMailbox, Dkim, EmailAccount, Limits, Print, Rate, SmppAccount, SmsAccount, SmsPlace,
    TelegramAccount,
};
use places::Places;
use read::Keys;

/// The complete, commented configuration that comes with the program; its values are the defaults.
pub const DEFAULT: &str = include_str!("../../config/vestnik.toml");

/// Everything that an administrator decides.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the data lives; may hold a password.
    pub database: Secret,
    /// A folder that no backup holds, for what was sent since.
    pub state: Option<PathBuf>,
    /// Where backups arrive, and how old the newest one may be.
    pub backups: Option<(PathBuf, Duration)>,
    /// What the school's row is seeded with.
    pub school: School,
    /// Where `/healthz` listens.
    pub listen: SocketAddr,
    /// Where families find the daemon's pages.
    pub public_url: Option<String>,
    /// What seals links; where it is not set, a key is made at the first start.
    pub link_key: Option<Secret>,
    /// The mail relay, if there is one.
    pub email: Option<EmailAccount>,
    /// The SMS gateway, if there is one.
    pub sms: Option<SmsAccount>,
    /// The SMS gateway that takes what the first one cannot, if there is one.
    pub sms_spare: Option<SmsAccount>,
    /// What SMS may cost in a month, if that is limited.
    pub budget: Option<Budget>,
    /// The Telegram bot, if there is one.
    pub telegram: Option<TelegramAccount>,
    /// How the sheets of the week are made.
    pub print: Print,
    /// When the day's digest is due.
    pub daily: cron::Schedule,
    /// When the week's digest is due.
    pub weekly: cron::Schedule,
    /// When the sheets of the week are printed.
    pub weekly_sheets: cron::Schedule,
    /// The policy of a new school, with the school's own rules over it.
    pub regulation: Regulation,
    /// The school's own rules, by their names.
    own_rules: BTreeMap<String, String>,
    /// The folder of the configuration file.
    beside: PathBuf,
    /// The school's own templates.
    pub templates: Option<PathBuf>,
    /// The school's own layout of the weekly sheet.
    pub sheet: Option<PathBuf>,
    /// How logs are written.
    pub log: Log,
    /// What an administrator should know although nothing is wrong.
    pub warnings: Vec<String>,
}

/// How logs are written.
#[derive(Debug, Clone)]
pub struct Log {
    /// One JSON object a line instead of text.
    pub json: bool,
    /// A filter of tracing, such as `info` or `vestnik=debug`.
    pub level: String,
}

/// Everything that is wrong with a configuration.
#[derive(Debug)]
pub struct ConfigErrors(pub Vec<String>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration has errors:")?;
        self.0.iter().try_for_each(|error| write!(f, "\n  {error}"))
    }
}

impl std::error::Error for ConfigErrors {}

impl Config {
    /// The configuration that comes with the program, without any file or environment.
    ///
    /// # Errors
    /// None; a test rules them out.
    pub fn defaults() -> Result<Self, ConfigErrors> {
        Self::read(Figment::from(Toml::string(DEFAULT)), Places::default())
    }

    /// The SMS gateways that are configured, the preferred one first.
    pub fn gateways(&self) -> impl Iterator<Item = &SmsAccount> {
        self.sms.iter().chain(&self.sms_spare)
    }

    /// What SMS cost with each gateway, and may cost in a month.
    pub fn tariff(&self) -> Tariff {
        let prices = self.gateways();
        let prices = prices.map(|one| (one.place.lane().to_owned(), one.prices.clone()));
        Tariff {
            prices: prices.collect(),
            budget: self.budget,
        }
    }

    /// The channels that are configured.
    pub fn channels(&self) -> Vec<Channel> {
        let email = self.email.as_ref().map(|_| Channel::Email);
        let sms = self.sms.as_ref().map(|_| Channel::Sms);
        let telegram = self.telegram.as_ref().map(|_| Channel::Telegram);
        [email, sms, telegram].into_iter().flatten().collect()
    }

    /// The policy with this name, of the program or a file beside the configuration, with the school's own
    /// rules over it. The school's row may name another one than the configuration.
    ///
    /// # Errors
    /// What is wrong with it, each with its remedy.
    pub fn regulation(&self, name: &str) -> Result<Regulation, ConfigErrors> {
        regulation(name, &self.beside, &self.own_rules).map_err(|wrong| {
            ConfigErrors(
                wrong
                    .iter()
                    .map(|one| format!("policy {name}, {one}"))
                    .collect(),
            )
        })
    }

    /// As [`Config::regulation`], without the school's own rules: what the policy itself says.
    ///
    /// # Errors
    /// What is wrong with it, each with its remedy.
    pub fn regulation_alone(&self, name: &str) -> Result<Regulation, ConfigErrors> {
        regulation(name, &self.beside, &BTreeMap::new()).map_err(|wrong| {
            ConfigErrors(wrong.iter().map(|one| format!("policy {one}")).collect())
        })
    }

    fn read(figment: Figment, places: Places) -> Result<Self, ConfigErrors> {
        let mut keys = Keys::new(figment, &known(), places);
        let config = read(&mut keys);
        match config {
            Some(config) if keys.errors.is_empty() => Ok(config),
            _ => Err(ConfigErrors(keys.errors)),
        }
    }

    /// Reads the file, or `vestnik.toml` of the working directory if there is one, over the defaults
    /// and under the environment, whose variables are given as `env`.
    ///
    /// # Errors
    /// [`ConfigErrors`] with every key that is wrong, what is wrong with it and where it was set.
    pub fn load(
        path: Option<&Path>,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigErrors> {
        let one = |error: String| ConfigErrors(vec![error]);
        let usual = Path::new("vestnik.toml");
        let path = path.or_else(|| usual.exists().then_some(usual));
        let mut places = Places::default();
        let mut figment = Figment::from(Toml::string(DEFAULT));
        if let Some(path) = path {
            let text = fs::read_to_string(path)
                .map_err(|error| one(format!("{} cannot be read: {error}", path.display())))?;
            toml::from_str::<toml::Table>(&text)
                .map_err(|error| one(format!("{}: {error}", path.display())))?;
            figment = figment.merge(Data::<Toml>::file_exact(path));
            places.beside = path.parent().map(Path::to_path_buf).unwrap_or_default();
        }
        for (name, value) in env {
            if name == "CREDENTIALS_DIRECTORY" {
                places.credentials = Some(value.into());
            } else if name == "STATE_DIRECTORY" {
                // systemd names several with colons between them.
                places.state = value.split(':').next().map(PathBuf::from);
            } else if let Some(key) = name.strip_prefix("VESTNIK__") {
                let key = key.to_lowercase().replace("__", ".");
                figment = figment.merge(Serialized::default(&key, value));
            }
        }
        Self::read(figment, places)
    }
}

/// The dotted names of all keys: those that the default file sets or shows commented out.
fn known() -> Vec<String> {
    let mut table = String::new();
    let mut keys = Vec::new();
    for line in DEFAULT.lines() {
        if let Some(name) = line.strip_prefix('[') {
            name.split(']')
                .next()
                .unwrap_or_default()
                .clone_into(&mut table);
        } else if let Some((key, _)) = line.trim_start_matches("# ").split_once(" = ")
            && key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        {
            keys.push(format!("{table}.{key}"));
        }
    }
    keys
}

/// What this version reads and does not yet act on.
const NOT_YET: &[&str] = &["schools."];

fn read(keys: &mut Keys) -> Option<Config> {
    for table in NOT_YET {
        let set: Vec<String> = keys.below(table).cloned().collect();
        keys.warnings.extend(
            set.into_iter()
                .map(|key| format!("{key}: this version does not act on it yet")),
        );
    }
    let policy = keys.text("school.policy").unwrap_or_default();
    let (regulation, own_rules) = rules(keys, &policy);
    let school = school(keys, policy);
    let database = database(keys);
    let listen: Option<SocketAddr> = keys.parsed(
        "web.listen",
        "write an address and a port, as in 127.0.0.1:8650",
    );
    if listen.is_some_and(|listen| !listen.ip().is_loopback()) {
        keys.warnings
            .push("web.listen: everybody in the network can reach this address".into());
    }
    let public_url = public_url(keys);
    let link_key = keys.secret("web.link_key");
    if link_key.as_ref().is_some_and(|key| key.reveal().len() < 32) {
        keys.fault("web.link_key_file", "must hold at least 32 characters");
    }
    let email = channels::email(keys);
    let sms = channels::sms(keys, SmsPlace::Preferred);
    let sms_spare = channels::sms(keys, SmsPlace::Spare);
    if sms.is_none() && sms_spare.is_some() {
        let missing = "is missing: channels.sms.spare takes what this one cannot";
        keys.fault("channels.sms.gateway", missing);
    }
    let budget = channels::budget(keys, &[&sms, &sms_spare]);
    let telegram = channels::telegram(keys);
    let print = channels::print(keys);
    let daily = schedule(keys, "schedule.daily");
    let weekly = schedule(keys, "schedule.weekly");
    let weekly_sheets = schedule(keys, "schedule.weekly_sheets");
    let templates = keys
        .text("templates.directory")
        .map(|name| keys.places.beside.join(name));
    let sheet = keys
        .text("templates.sheet")
        .map(|name| keys.places.beside.join(name));
    let format = keys.text("log.format").unwrap_or_default();
    if !matches!(format.as_str(), "text" | "json") {
        keys.fault("log.format", "must be text or json");
    }
    Some(Config {
        database: database?,
        state: keys
            .text("database.state_dir")
            .map(|name| keys.places.beside.join(name))
            .or_else(|| keys.places.state.clone()),
        backups: backups(keys),
        school: school?,
        listen: listen?,
        public_url,
        link_key,
        email,
        sms,
        sms_spare,
        budget,
        telegram,
        print: print?,
        daily: daily?,
        weekly: weekly?,
        weekly_sheets: weekly_sheets?,
        regulation: regulation?,
        own_rules,
        beside: keys.places.beside.clone(),
        templates,
        sheet,
        log: Log {
            json: format == "json",
            level: keys.text("log.level").unwrap_or_else(|| "info".into()),
        },
        warnings: std::mem::take(&mut keys.warnings),
    })
}

/// Links are sent to families: they must be protected, but for trials on this machine.
fn public_url(keys: &mut Keys) -> Option<String> {
    let url = keys.text("web.public_url")?;
    let host = url.strip_prefix("http://").unwrap_or_default();
    let host = host.split([':', '/']).next().unwrap_or_default();
    let here = matches!(host, "localhost" | "127.0.0.1");
    if url.starts_with("https://") || here {
        return Some(url);
    }
    keys.fault("web.public_url", "must begin with https://");
    None
}

/// A relative SQLite path is meant from the working directory, as every other program takes it.
fn database(keys: &mut Keys) -> Option<Secret> {
    let url = keys.text("database.url")?;
    let Some(password) = keys.secret("database.password") else {
        return Some(Secret::new(url));
    };
    match url.split_once('@') {
        Some((user, rest)) if url.starts_with("postgres") && user.matches(':').count() == 1 => {
            let password: String = percent(password.reveal());
            Some(Secret::new(format!("{user}:{password}@{rest}")))
        }
        _ => {
            keys.fault(
                "database.password_file",
                "needs a URL such as postgres://vestnik@localhost/vestnik",
            );
            None
        }
    }
}

/// Where backups arrive, if that is said. Whoever says nothing is not watched.
fn backups(keys: &mut Keys) -> Option<(PathBuf, Duration)> {
    let within = keys.duration("database.backup_within");
    let folder = keys.text("database.backup_dir")?;
    Some((keys.places.beside.join(folder), within?))
}

/// Percent-encodes all but letters and digits, as a password in a URL needs it.
fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

fn school(keys: &mut Keys, policy: String) -> Option<School> {
    let zone = keys.text("school.timezone").unwrap_or_default();
    let timezone = Tz::from_str(&zone).ok();
    if timezone.is_none() {
        let nearest = chrono_tz::TZ_VARIANTS
            .iter()
            .map(|zone| zone.name())
            .min_by_key(|name| strsim::damerau_levenshtein(name, &zone))
            .unwrap_or_default();
        keys.fault(
            "school.timezone",
            format!("«{zone}» is no zone; did you mean {nearest}?"),
        );
    }
    Some(School {
        name: keys.text("school.name")?,
        short_name: keys.text("school.short_name"),
        phone: keys.text("school.phone"),
        timezone: timezone?,
        language: keys.text("school.language").unwrap_or_else(|| "ru".into()),
        policy,
    })
}

/// The configured policy under the school's own rules.
fn rules(keys: &mut Keys, policy: &str) -> (Option<Regulation>, BTreeMap<String, String>) {
    let own: BTreeMap<String, String> = RULES
        .iter()
        .filter_map(|(rule, _)| Some(((*rule).to_owned(), keys.text(&format!("rules.{rule}"))?)))
        .collect();
    for (rule, _) in RULES
        .iter()
        .filter(|(rule, acted)| !acted && own.contains_key(*rule))
    {
        keys.warnings
            .push(format!("rules.{rule}: this version does not act on it yet"));
    }
    let regulation = regulation(policy, &keys.places.beside, &own)
        .map_err(|errors| {
            for Wrong { rule, problem } in errors {
                if own.contains_key(&rule) {
                    keys.fault(&format!("rules.{rule}"), problem);
                } else {
                    keys.fault("school.policy", format!("{rule}: {problem}"));
                }
            }
        })
        .ok();
    (regulation, own)
}

/// A policy of the program, or of a file beside the configuration.
fn regulation(
    name: &str,
    beside: &Path,
    own: &BTreeMap<String, String>,
) -> Result<Regulation, Vec<Wrong>> {
    let wrong = |problem: String| {
        vec![Wrong {
            rule: name.to_owned(),
            problem,
        }]
    };
    if let Some(text) = Regulation::embedded(name) {
        return Regulation::read(name, text, own);
    }
    if Path::new(name)
        .extension()
        .is_none_or(|kind| kind != "toml")
    {
        let known: Vec<&str> = Regulation::names().collect();
        return Err(wrong(format!(
            "no such policy; known are {}, or name a file such as our-school.toml",
            known.join(", ")
        )));
    }
    let path = beside.join(name);
    let text = fs::read_to_string(&path)
        .map_err(|error| wrong(format!("{} cannot be read: {error}", path.display())))?;
    Regulation::read(name, &text, own)
}

fn schedule(keys: &mut Keys, key: &str) -> Option<cron::Schedule> {
    keys.parsed(
        key,
        "write second, minute, hour, day, month and weekday by name, as in 0 10 18 * * Mon-Fri",
    )
}

#[cfg(test)]
mod tests;
