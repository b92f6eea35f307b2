//! The provider accounts of the configuration.

use std::{num::NonZeroU32, path::PathBuf, time::Duration};

use vestnik_printer::Printer;
use vestnik_smpp::{ReceiptIds, Receipts, Splitting};

use super::read::Keys;
use crate::{
    failover::SPARE,
    family::contact::is_mail,
    money::{Budget, Percent, Prices},
    secret::Secret,
    text::ContentLevel,
};

/// A mail relay.
#[derive(Debug, Clone)]
pub struct EmailAccount {
    /// `smtp://…` or `smtps://…`; may hold a password.
    pub url: Secret,
    /// The password, where the URL has none.
    pub password: Option<Secret>,
    /// `none`, `starttls` or `required`.
    pub tls: Option<String>,
    /// Who writes.
    pub from: String,
    /// How mails are signed.
    pub dkim: Option<Dkim>,
    /// Where undeliverable mails come back.
    pub bounce_address: Option<String>,
    /// The mailbox in which they are read.
    pub bounces: Option<BounceMailbox>,
    /// Mails to one domain at the same time.
    pub per_domain: Option<usize>,
    /// How it may be used.
    pub limits: Limits,
}

/// The signature of mails.
#[derive(Debug, Clone)]
pub struct Dkim {
    /// The domain that answers for the mail.
    pub domain: String,
    /// The name of its public key in DNS.
    pub selector: String,
    /// The private key, in PEM.
    pub key: Secret,
}

/// The mailbox in which undeliverable mails are read.
#[derive(Debug, Clone)]
pub struct BounceMailbox {
    /// `imaps://user@host`; may hold a password.
    pub url: Secret,
    /// The password, where the URL has none.
    pub password: Option<Secret>,
}

/// Which of the SMS gateways an account is with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmsPlace {
    /// The one that carries what it can.
    Preferred,
    /// The one that takes what the other cannot.
    Spare,
}

impl SmsPlace {
    /// Where it stands in the configuration.
    pub fn table(self) -> &'static str {
        match self {
            Self::Preferred => "channels.sms",
            Self::Spare => "channels.sms.spare",
        }
    }

    /// The name of its lane.
    pub fn lane(self) -> &'static str {
        match self {
            Self::Preferred => "sms",
            Self::Spare => SPARE,
        }
    }
}

/// An account with an SMS gateway.
#[derive(Debug, Clone)]
pub struct SmsAccount {
    /// Which it is.
    pub place: SmsPlace,
    /// The gateway's name.
    pub gateway: String,
    /// Where it answers, if elsewhere than usual.
    pub base_url: Option<String>,
    /// The account.
    pub login: String,
    /// Its password.
    pub password: Secret,
    /// The registered sender name.
    pub sender: Option<String>,
    /// What an SMS centre wants beside, where the gateway is one.
    pub smpp: Option<SmppAccount>,
    /// How many parts a message has at most, if that is limited.
    pub parts: Option<usize>,
    /// Whether it leaves in Latin letters.
    pub transliterate: bool,
    /// The operators with whom its texts have to be registered, where they are others than the gateway's.
    pub operators: Option<Vec<String>>,
    /// Where a gateway's file is looked for: the folder of the configuration.
    pub beside: PathBuf,
    /// Where the provider finds the daemon, to post receipts.
    pub public_url: Option<String>,
    /// The secret that school and provider share for them.
    pub callback_secret: Option<Secret>,
    /// What one part costs.
    pub prices: Prices,
    /// How it may be used.
    pub limits: Limits,
}

/// What SMPP wants beside password and sender.
#[derive(Debug, Clone)]
pub struct SmppAccount {
    /// `smpp://…` or `smpps://…`
    pub url: String,
    /// The certificates to trust in place of the machine's.
    pub ca_file: Option<PathBuf>,
    /// `system_type`
    pub system_type: String,
    /// The sender's type of number.
    pub sender_ton: Option<u8>,
    /// The sender's numbering plan.
    pub sender_npi: Option<u8>,
    /// Messages without an answer at the same time.
    pub window: usize,
    /// How often an idle line is tried.
    pub enquire_link: Duration,
    /// How long texts are put into several SMS.
    pub splitting: Splitting,
    /// Of which parts receipts are asked.
    pub receipts: Receipts,
    /// How receipts spell the name of a message.
    pub receipt_ids: ReceiptIds,
}

/// How fast a provider may be used.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Calls at the same time.
    pub concurrency: usize,
    /// Messages in a time, if the provider limits them.
    pub rate: Option<Rate>,
    /// After this long a call is given up.
    pub timeout: Duration,
}

/// So many messages in so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: NonZeroU32,
    /// In how long.
    pub per: Duration,
}

/// A Telegram bot.
#[derive(Debug, Clone)]
pub struct TelegramAccount {
    /// What BotFather gave.
    pub token: Secret,
    /// Where the Bot API answers, if elsewhere than usual.
    pub api_url: Option<String>,
    /// The way there, if not straight; may hold a password.
    pub proxy: Option<Secret>,
    /// Whether the messenger brings what people do to `web.public_url`, instead of being asked.
    pub webhook: bool,
    /// How much of the content it may carry.
    pub content: ContentLevel,
    /// How it may be used.
    pub limits: Limits,
}

/// How long a printer may take to answer.
const PRINTER_PATIENCE: Duration = Duration::from_secs(20);

/// How the sheets of the week are made.
#[derive(Debug, Clone)]
pub struct Print {
    /// The folder into which the daemon lays them, one PDF for each class and week.
    pub spool_dir: Option<PathBuf>,
    /// After this long a class is given up, and tried again later.
    pub timeout: Duration,
    /// Whether the printer prints on both sides.
    pub duplex: bool,
    /// The office that gets the pages by e-mail.
    pub office: Option<String>,
    /// The printer that prints what lies in the folder.
    pub printer: Option<Printer>,
}

fn limits(keys: &mut Keys, table: &str) -> Limits {
    let concurrency: Option<NonZeroU32> =
        keys.parsed(&format!("{table}.concurrency"), "write a number from 1 on");
    Limits {
        concurrency: concurrency.map_or(1, |count| count.get() as usize),
        rate: keys.parsed(
            &format!("{table}.rate"),
            "write 10/s, 100/min, 500/h or 500/day",
        ),
        timeout: keys
            .duration(&format!("{table}.timeout"))
            .unwrap_or(Duration::from_secs(30)),
    }
}

pub(super) fn email(keys: &mut Keys) -> Option<EmailAccount> {
    let limits = limits(keys, "channels.email");
    let password = keys.secret("channels.email.password");
    let from = keys.text("channels.email.from");
    let tls = keys.text("channels.email.tls");
    let dkim = dkim(keys);
    let (bounce_address, bounces) = bounces(keys);
    let per_domain: Option<NonZeroU32> =
        keys.parsed("channels.email.per_domain", "write a number from 1 on");
    let url = keys.text("channels.email.url")?;
    if from.is_none() {
        keys.fault(
            "channels.email.from",
            "is missing: write \"Школа № 12 <school@example.org>\"",
        );
    }
    Some(EmailAccount {
        url: Secret::new(url),
        password,
        tls,
        from: from?,
        dkim,
        bounce_address,
        bounces,
        per_domain: per_domain.map(|most| most.get() as usize),
        limits,
    })
}

fn dkim(keys: &mut Keys) -> Option<Dkim> {
    let key = keys.secret("channels.email.dkim_key");
    let [domain, selector] = ["domain", "selector"].map(|name| {
        let key = format!("channels.email.dkim_{name}");
        (keys.text(&key), key)
    });
    let set = [domain.0.is_some(), selector.0.is_some(), key.is_some()];
    if set.contains(&true) {
        let names = [domain.1, selector.1, "channels.email.dkim_key_file".into()];
        for (name, _) in names.iter().zip(set).filter(|(_, set)| !set) {
            keys.fault(
                name,
                "is missing: a signature needs domain, selector and key",
            );
        }
    }
    Some(Dkim {
        domain: domain.0?,
        selector: selector.0?,
        key: key?,
    })
}

fn bounces(keys: &mut Keys) -> (Option<String>, Option<BounceMailbox>) {
    let (address_key, url_key) = (
        "channels.email.bounce_address",
        "channels.email.bounce_imap_url",
    );
    let password = keys.secret("channels.email.bounce_password");
    let address = keys.text(address_key);
    let url = keys.text(url_key);
    if address.as_ref().is_some_and(|address| {
        address.split_once('@').is_none_or(|(local, domain)| {
            local.contains('+') || local.len() > 20 || domain.is_empty()
        })
    }) {
        keys.fault(
            address_key,
            "must be a short address without +, as bounces@example.org",
        );
    }
    match (&address, &url) {
        (Some(_), None) => keys.warnings.push(format!(
            "{url_key}: is missing, so that nobody reads what comes back to {address_key}"
        )),
        (None, Some(_)) => keys.fault(address_key, "is missing: mails would not come back there"),
        _ => {}
    }
    let mailbox = url.map(|url| BounceMailbox {
        url: Secret::new(url),
        password,
    });
    (address, mailbox)
}

pub(super) fn sms(keys: &mut Keys, place: SmsPlace) -> Option<SmsAccount> {
    let table = place.table();
    let key = |name: &str| format!("{table}.{name}");
    let limits = limits(keys, table);
    let password = keys.secret(&key("password"));
    let gateway = keys.text(&key("gateway"))?;
    let centre = gateway == vestnik_smpp::GATEWAY;
    let parts = keys.text("channels.sms.parts").unwrap_or_default();
    let most: Option<NonZeroU32> = parts.parse().ok();
    if most.is_none() && parts != "off" {
        let problem = format!("«{parts}» is not understood: write a number from 1 on, or off");
        keys.fault("channels.sms.parts", problem);
    }
    let latin = keys.parsed("channels.sms.transliterate", "write true or false");
    let callback_secret = keys.secret(&key("callback_secret"));
    let prices = Prices {
        usual: keys
            .parsed(&key("price"), "write roubles, as in 3.50")
            .unwrap_or_default(),
        by_prefix: keys
            .parsed(&key("prices"), "write +7900 3.00, +7916 2.80")
            .unwrap_or_default(),
    };
    if password.is_none() {
        let whose = if centre { "SMS centre" } else { "gateway" };
        keys.fault(
            &key("password"),
            format!("is missing: the {whose} wants it"),
        );
    }
    let (login, smpp) = if centre {
        let (system_id, centre) = smpp(keys, table)?;
        (system_id, Some(centre))
    } else {
        let login = keys.text(&key("login"));
        (login.unwrap_or_default(), None)
    };
    Some(SmsAccount {
        place,
        gateway,
        base_url: keys.text(&key("base_url")),
        login,
        password: password?,
        sender: keys.text(&key("sender")),
        smpp,
        parts: most.map(|most| most.get() as usize),
        transliterate: latin.unwrap_or_default(),
        operators: keys
            .text("channels.sms.operators")
            .map(|names| list(&names)),
        beside: keys.places.beside.clone(),
        public_url: keys.text("web.public_url"),
        callback_secret,
        prices,
        limits,
    })
}

/// What SMS may cost in a month. Where no price is known, nothing would ever reach it.
pub(super) fn budget(keys: &mut Keys, gateways: &[&Option<SmsAccount>]) -> Option<Budget> {
    let share = "write a share of the month's budget, as in 80%";
    let soft: Option<Percent> = keys.parsed("channels.sms.soft_stop", share);
    let hard: Option<Percent> = keys.parsed("channels.sms.hard_stop", share);
    let budget = "channels.sms.monthly_budget";
    let month = keys.parsed(budget, "write roubles, as in 30000")?;
    let (soft, hard) = (soft?, hard?);
    if soft > hard {
        keys.fault("channels.sms.soft_stop", "must not be above hard_stop");
    }
    for gateway in gateways.iter().filter_map(|one| one.as_ref()) {
        if gateway.prices == Prices::default() {
            let table = gateway.place.table();
            keys.fault(
                &format!("{table}.price"),
                format!("is missing: {budget} counts what SMS cost"),
            );
        }
    }
    Some(Budget { month, soft, hard })
}

/// Names between commas; none where it says «off».
fn list(names: &str) -> Vec<String> {
    let names = names.split(',').map(str::trim);
    let names = names.filter(|name| !name.is_empty() && *name != "off");
    names.map(str::to_owned).collect()
}

/// The keys of an SMS centre, and its login, which is called `system_id`.
fn smpp(keys: &mut Keys, table: &str) -> Option<(String, SmppAccount)> {
    let key = |name: &str| format!("{table}.{name}");
    let url = keys.text(&key("url"));
    let system_id = keys.text(&key("system_id"));
    for (name, missing) in [("url", url.is_none()), ("system_id", system_id.is_none())] {
        if missing {
            keys.fault(
                &format!("{table}.{name}"),
                "is missing: the SMS centre wants it",
            );
        }
    }
    let splitting = named(keys, table, "splitting", &Splitting::ALL);
    let receipts = named(keys, table, "receipts", &Receipts::ALL);
    let receipt_ids = named(keys, table, "receipt_ids", &ReceiptIds::ALL);
    let window: Option<NonZeroU32> = keys.parsed(&key("window"), "write a number from 1 on");
    let ca_file = keys.text(&key("ca_file"));
    let centre = SmppAccount {
        url: url?,
        ca_file: ca_file.map(|name| keys.places.beside.join(name)),
        system_type: keys.text(&key("system_type")).unwrap_or_default(),
        sender_ton: keys.parsed(&key("sender_ton"), "write a number from 0 to 6"),
        sender_npi: keys.parsed(&key("sender_npi"), "write a number from 0 to 18"),
        window: window?.get() as usize,
        enquire_link: keys.duration(&key("enquire_link"))?,
        splitting: splitting?,
        receipts: receipts?,
        receipt_ids: receipt_ids?,
    };
    Some((system_id?, centre))
}

/// One of a few values that have names.
fn named<T: Copy>(keys: &mut Keys, table: &str, key: &str, known: &[(&str, T)]) -> Option<T> {
    let key = format!("{table}.{key}");
    let name = keys.text(&key).unwrap_or_default();
    let found = known.iter().find(|(known, _)| *known == name);
    if found.is_none() {
        let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
        keys.fault(
            &key,
            format!("«{name}» is not known: write {}", names.join(", ")),
        );
    }
    found.map(|(_, value)| *value)
}

pub(super) fn telegram(keys: &mut Keys) -> Option<TelegramAccount> {
    let limits = limits(keys, "channels.telegram");
    let proxy = keys.secret("channels.telegram.proxy");
    let level = keys.text("channels.telegram.content").unwrap_or_default();
    let content = ContentLevel::from_code(&level);
    if content.is_none() {
        keys.fault(
            "channels.telegram.content",
            format!("«{level}» is not known: write full, no_names or ping"),
        );
    }
    let api_url = keys.text("channels.telegram.api_url");
    let webhook = keys.parsed("channels.telegram.webhook", "write true or false");
    let webhook = webhook.unwrap_or(false);
    let token = keys.secret("channels.telegram.token")?;
    if webhook && keys.text("web.public_url").is_none() {
        let remedy =
            "needs web.public_url, an address that Telegram reaches; without one leave it out";
        keys.fault("channels.telegram.webhook", remedy);
    }
    if content.is_some_and(|content| content != ContentLevel::Ping) {
        keys.warnings.push(
            "channels.telegram.content: a state school in Russia may not put personal data into \
             foreign messengers (149-ФЗ, article 10, part 8); ping carries none"
                .into(),
        );
    }
    Some(TelegramAccount {
        token,
        webhook,
        api_url,
        proxy,
        content: content?,
        limits,
    })
}

pub(super) fn print(keys: &mut Keys) -> Option<Print> {
    let folder = keys.text("channels.print.spool_dir");
    let timeout = keys.duration("channels.print.timeout")?;
    let duplex = keys.parsed("channels.print.duplex", "write true or false")?;
    let printer = keys.text("channels.print.printer").and_then(|address| {
        Printer::new(&address, PRINTER_PATIENCE, duplex)
            .map_err(|error| keys.fault("channels.print.printer", error))
            .ok()
    });
    if printer.is_some() && folder.is_none() {
        keys.fault(
            "channels.print.printer",
            "needs channels.print.spool_dir, where the sheets lie until they are printed",
        );
    }
    let office = keys.text("channels.print.office");
    if office.as_deref().is_some_and(|office| !is_mail(office)) {
        keys.fault("channels.print.office", "is no e-mail address");
    }
    if office.is_some() && (folder.is_none() || keys.text("channels.email.url").is_none()) {
        keys.fault(
            "channels.print.office",
            "needs channels.print.spool_dir and channels.email",
        );
    }
    Some(Print {
        spool_dir: folder.map(|folder| keys.places.beside.join(folder)),
        timeout,
        duplex,
        office,
        printer,
    })
}
