use std::iter;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

fn load(text: &str) -> Result<Config, ConfigErrors> {
    load_with(text, &[], &[])
}

fn load_with(
    text: &str,
    env: &[(&str, &str)],
    files: &[(&str, &str)],
) -> Result<Config, ConfigErrors> {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("vestnik.toml");
    fs::write(&path, text).expect("a file");
    for (name, content) in files {
        fs::write(folder.path().join(name), content).expect("a file");
    }
    let env = env
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load(Some(&path), env)
}

fn errors(text: &str) -> String {
    load(text).expect_err("an error").to_string()
}

#[test]
fn an_empty_file_is_a_complete_configuration() {
    let config = load("").expect("a configuration");
    assert_eq!(config.database.reveal(), "sqlite:vestnik.db");
    assert_eq!(config.regulation.policy.settling.0, 30 * 60 * 1000);
    assert_eq!(config.regulation.policy.quiet.to_string(), "21:00-07:30");
    assert!(config.email.is_none() && config.sms.is_none() && config.warnings.is_empty());
}

#[test]
fn every_key_that_is_shown_commented_out_is_known() {
    let mut text = String::new();
    for line in DEFAULT.lines() {
        let bare = line
            .strip_prefix("# ")
            .filter(|bare| bare.contains(" = ") && !bare.contains(" is "));
        text.push_str(bare.unwrap_or(line));
        text.push('\n');
    }
    // Files of secrets do not exist here, and a secret stands in one place only; a signature needs one.
    let lines = text
        .lines()
        .filter(|line| !line.contains("_file = ") && !line.contains("dkim_"));
    let text = lines
        .collect::<Vec<_>>()
        .join("\n")
        .replace("password = \"\"", "password = \"x\"")
        .replace("token = \"\"", "token = \"1:x\"");
    let config = load(&text).expect("every key is known");
    assert!(config.email.is_some() && config.sms.is_some());
    assert!(config.telegram.is_some() && config.print.spool_dir.is_some());
    let not_yet = |key: &str| config.warnings.iter().any(|one| one.starts_with(key));
    assert!(!not_yet("channels.print.printer") && !not_yet("channels.print.spool_dir"));
}

#[test]
fn a_signature_links_and_bounces_are_set_whole_or_not_at_all() {
    let mail = "[channels.email]\nurl = \"smtp://localhost\"\nfrom = \"a@b.c\"\n";
    for (text, expected) in [
        (
            "dkim_domain = \"b.c\"\n",
            "channels.email.dkim_key_file: is missing",
        ),
        (
            "dkim_selector = \"v\"\n",
            "channels.email.dkim_domain: is missing",
        ),
        (
            "bounce_imap_url = \"imaps://x@b.c\"\n",
            "channels.email.bounce_address: is missing",
        ),
        (
            "bounce_address = \"a+b@b.c\"\n",
            "channels.email.bounce_address: must be",
        ),
        ("per_domain = 0\n", "channels.email.per_domain: «0»"),
        (
            "[web]\npublic_url = \"http://b.c\"\n",
            "web.public_url: must begin with https://",
        ),
        (
            "[web]\npublic_url = \"http://localhost.evil.org\"\n",
            "web.public_url: must begin",
        ),
    ] {
        let errors = errors(&format!("{mail}{text}"));
        assert!(errors.contains(expected), "{text}: {errors}");
    }
    let short = load_with("[web]\nlink_key_file = \"key\"\n", &[], &[("key", "short")]);
    let short = short.expect_err("a short key").to_string();
    assert!(short.contains("web.link_key_file: must hold"), "{short}");
    let address = format!("{mail}bounce_address = \"bounces@b.c\"\n");
    let config = load(&address).expect("a configuration");
    let warned = |key| config.warnings.iter().any(|one| one.starts_with(key));
    assert!(
        warned("channels.email.bounce_imap_url: is missing"),
        "{:?}",
        config.warnings
    );
    let here = load("[web]\npublic_url = \"http://127.0.0.1:8650\"\n").expect("a configuration");
    assert_eq!(here.public_url.as_deref(), Some("http://127.0.0.1:8650"));
}

#[test]
fn personal_data_in_a_foreign_messenger_is_a_warning() {
    let warned = |level: &str| {
        let text = format!("[channels.telegram]\ntoken = \"1:x\"\ncontent = \"{level}\"");
        let config = load(&text).expect("a configuration");
        config.warnings.iter().any(|one| one.contains("149-ФЗ"))
    };
    assert!(warned("full") && warned("no_names") && !warned("ping"));
    let text = errors("[channels.telegram]\ntoken = \"1:x\"\ncontent = \"some\"");
    assert!(
        text.contains("channels.telegram.content: «some» is not known"),
        "{text}"
    );
}

#[test]
fn all_errors_are_told_at_once_with_key_and_remedy() {
    let text = errors(
        "[rules]\nsettlng = \"5m\"\nsettling = \"soon\"\nquiet = \"always\"\n\
         [school]\ntimezone = \"Europe/Moskow\"\n[schedule]\ndaily = \"18:10\"\n\
         [web]\nlisten = \"localhost\"\n[channels.email]\nurl = \"smtp://localhost\"\nconcurrency = 0\nrate = \"fast\"\n",
    );
    for part in [
        "rules.settlng: no such key; did you mean rules.settling?",
        "rules.settling: «soon» is not understood: write 30s",
        "rules.quiet: «always»",
        "did you mean Europe/Moscow?",
        "schedule.daily: «18:10»",
        "web.listen: «localhost»",
        "channels.email.from: is missing",
        "channels.email.concurrency: «0»",
        "channels.email.rate: «fast»",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(text.contains("vestnik.toml"), "{text}");
}

#[test]
fn the_environment_overrides_the_file_and_is_checked_like_it() {
    let env = [
        ("VESTNIK__RULES__SETTLING", "0s"),
        ("VESTNIK__CHANNELS__EMAIL__FROM", "a@b.c"),
        ("HOME", "/"),
    ];
    let config = load_with(
        "[rules]\nsettling = \"1h\"\n[channels.email]\nurl = \"smtp://localhost\"\n",
        &env,
        &[],
    )
    .expect("a configuration");
    assert_eq!(config.regulation.policy.settling.0, 0);
    assert_eq!(config.email.expect("e-mail").from, "a@b.c");
    let error = load_with("", &[("VESTNIK__RULES__SETLING", "0s")], &[])
        .expect_err("a slip")
        .to_string();
    assert!(error.contains("did you mean rules.settling?"), "{error}");
}

#[test]
fn a_secret_comes_from_its_file_and_is_never_printed() {
    let sms = "[channels.sms]\ngateway = \"smsc\"\nlogin = \"school\"\n";
    let config = load_with(
        &format!("{sms}password_file = \"sms.password\"\n"),
        &[],
        &[("sms.password", "s3cret\n")],
    )
    .expect("a configuration");
    assert_eq!(
        config.sms.as_ref().expect("SMS").password.reveal(),
        "s3cret"
    );
    assert!(!format!("{config:?}").contains("s3cret"));
    let missing = errors(&format!("{sms}password_file = \"nowhere\"\n"));
    assert!(
        missing.contains("channels.sms.password_file") && missing.contains("nowhere"),
        "{missing}"
    );
    let both = errors(&format!(
        "{sms}password = \"s3cret\"\npassword_file = \"x\"\n"
    ));
    assert!(
        both.contains("remove one of the two") && !both.contains("s3cret"),
        "{both}"
    );
    let config = load_with(
        "[database]\nurl = \"postgres://vestnik@localhost/vestnik\"\npassword_file = \"db\"\n",
        &[],
        &[("db", "p@ss\n")],
    )
    .expect("a configuration");
    assert_eq!(
        config.database.reveal(),
        "postgres://vestnik:p%40ss@localhost/vestnik"
    );
}

#[test]
fn systemds_credentials_come_first() {
    let credentials = TempDir::new().expect("a folder");
    fs::write(credentials.path().join("sms"), "from systemd").expect("a file");
    let directory = credentials.path().display().to_string();
    let text = "[channels.sms]\ngateway = \"smsc\"\nlogin = \"school\"\npassword_file = \"sms\"\n";
    let env = [("CREDENTIALS_DIRECTORY", directory.as_str())];
    let config = load_with(text, &env, &[("sms", "from the file")]).expect("a configuration");
    assert_eq!(config.sms.expect("SMS").password.reveal(), "from systemd");
}

#[test]
fn a_file_that_is_missing_or_no_toml_is_named() {
    let error = Config::load(Some(Path::new("nowhere.toml")), iter::empty()).expect_err("no file");
    assert!(error.to_string().contains("nowhere.toml"), "{error}");
    let error = errors("[rules\nsettling = 1");
    assert!(
        error.contains("vestnik.toml") && error.contains("line 1"),
        "{error}"
    );
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,200}", value in "\\PC{0,20}") {
        let _ = load(&text);
        let _ = load_with("", &[("VESTNIK__RULES__SETTLING", value.as_str())], &[]);
    }
}

#[test]
fn an_sms_centre_has_keys_of_its_own() {
    let centre = "[channels.sms]\ngateway = \"smpp\"\nurl = \"smpps://smpp.example.org:3443\"\n\
                  system_id = \"school12\"\npassword = \"s3cret\"\n";
    let config = load(centre).expect("a configuration");
    let sms = config.sms.as_ref().expect("SMS");
    let smpp = sms.smpp.as_ref().expect("a centre");
    assert_eq!((sms.login.as_str(), smpp.window), ("school12", 10));
    assert!(!format!("{config:?}").contains("s3cret"));
    let wrong = errors(&format!(
        "{centre}splitting = \"halves\"\nreceipt_ids = \"octal\"\nsender_ton = \"alpha\"\n"
    ));
    for words in [
        "channels.sms.splitting: «halves» is not known: write udh8, udh16, sar, message_payload",
        "channels.sms.receipt_ids: «octal»",
        "channels.sms.sender_ton",
    ] {
        assert!(wrong.contains(words), "{wrong}");
    }
    let missing = errors("[channels.sms]\ngateway = \"smpp\"\n");
    for key in ["url", "system_id", "password"] {
        assert!(
            missing.contains(&format!("channels.sms.{key}: is missing")),
            "{missing}"
        );
    }
}

#[test]
fn a_spare_gateway_has_the_keys_of_the_first_one_and_none_stands_alone() {
    let text = "[channels.sms]\ngateway = \"smsc\"\nlogin = \"a\"\npassword = \"one\"\nrate = \"5/s\"\n\
                [channels.sms.spare]\ngateway = \"smpp\"\nurl = \"smpp://localhost:2775\"\n\
                system_id = \"b\"\nconcurrency = 3\n";
    let env = [("VESTNIK__CHANNELS__SMS__SPARE__PASSWORD", "two")];
    let config = load_with(text, &env, &[]).expect("a configuration");
    let both: Vec<&SmsAccount> = config.gateways().collect();
    assert_eq!(both.len(), 2);
    let (first, spare) = (both[0], both[1]);
    assert_eq!((first.login.as_str(), spare.login.as_str()), ("a", "b"));
    assert_eq!(spare.password.reveal(), "two");
    assert!(first.smpp.is_none() && spare.smpp.is_some());
    assert_eq!(
        (first.limits.concurrency, spare.limits.concurrency),
        (10, 3)
    );
    assert!(first.limits.rate.is_some() && spare.limits.rate.is_none());
    assert_eq!(config.channels(), [Channel::Sms]);
    let alone = "[channels.sms.spare]\ngateway = \"smsc\"\npassword = \"one\"\n";
    let errors = load_with(alone, &[], &[]).expect_err("no first one").0;
    assert!(
        errors[0].starts_with("channels.sms.gateway: is missing: channels.sms.spare"),
        "{errors:?}"
    );
    let wrong = "[channels.sms]\ngateway = \"smsc\"\npassword = \"one\"\n\
                 [channels.sms.spare]\ngateway = \"smpp\"\npassword = \"two\"\nurl = \"smpp://localhost\"\n";
    let errors = load_with(wrong, &[], &[]).expect_err("no login").0;
    assert!(
        errors[0].starts_with("channels.sms.spare.system_id: is missing"),
        "{errors:?}"
    );
}
