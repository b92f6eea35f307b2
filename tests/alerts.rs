//! The alert rules and the dashboard for Prometheus: their own tool proves the rules, and the daemon has every number
//! that they ask for.

#[path = "support/desk.rs"]
#[expect(dead_code, reason = "only the family is used here")]
mod desk;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "not every counterpart is needed here")]
mod program;

use std::{collections::BTreeSet, fs, process::Command, time::Duration};

use desk::FAMILY;
use program::{Program, config, get, open, sql, wait};

const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/prometheus");

#[test]
fn the_rules_are_sound_and_fire_when_a_provider_dies() {
    for arguments in [
        ["check", "rules", "alerts.yml"],
        ["test", "rules", "alerts.test.yml"],
    ] {
        let tool = Command::new("promtool")
            .args(arguments)
            .current_dir(RULES)
            .output();
        let Ok(output) = tool else {
            println!("skipped: there is no promtool; tests/run fetches it");
            return;
        };
        let words = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words}");
    }
}

/// The names of metrics in a text.
fn names(text: &str) -> BTreeSet<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c: char| !word(c))
        .filter(|name| name.starts_with("vestnik_"))
        .map(|name| name.trim_end_matches("_bucket").to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_has_every_number_and_shows_a_provider_that_died() {
    let database = "sqlite:{folder}/school.db";
    // Nobody listens there.
    let dead = "[channels.email]\nurl = \"smtp://127.0.0.1:9\"\nfrom = \"school@example.org\"\n";
    let program = Program::new(&config(database, dead));
    let store = open(&program, database).await;
    sql(&store, FAMILY).await;
    let _daemon = program.serve();
    let listens = || program.log().contains("listen=");
    assert!(wait(Duration::from_secs(20), listens), "{}", program.log());
    sql(
        &store,
        "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '3')",
    )
    .await;
    let number = |line: &str| -> f64 {
        let metrics = get(&program, "/metrics");
        let found = metrics
            .lines()
            .find_map(|one| one.strip_prefix(line)?.trim().parse().ok());
        found.unwrap_or(0.0)
    };
    let seen = || {
        number("vestnik_attempts_total{lane=\"email\",outcome=\"deferred\"}") > 0.0
            && number("vestnik_queue_oldest_seconds{channel=\"email\"}") > 0.0
    };
    assert!(
        wait(Duration::from_mins(1), seen),
        "{}",
        get(&program, "/metrics")
    );
    let metrics = get(&program, "/metrics");
    let known = names(&metrics);
    for file in [
        format!("{RULES}/alerts.yml"),
        format!("{RULES}/../grafana/vestnik.json"),
    ] {
        let asked = names(&fs::read_to_string(&file).expect("a file"));
        assert!(asked.len() > 5, "{file}");
        // What never happened has no line yet.
        for name in asked.iter().filter(|name| {
            ![
                "vestnik_lane_resting",
                "vestnik_holds",
                "vestnik_spending_kopecks",
                "vestnik_delay_seconds",
                "vestnik_alarms",
            ]
            .contains(&name.as_str())
        }) {
            assert!(
                known.contains(name),
                "{file} asks for {name}, which the daemon does not have:\n{metrics}"
            );
        }
    }
}

#[test]
fn check_says_whether_backups_arrive() {
    let database = "sqlite:{folder}/school.db";
    let watched = config(database, "").replace("[web]", "backup_dir = \"backups\"\n[web]");
    let program = Program::new(&watched);
    let check = || String::from_utf8_lossy(&program.run(&["check"]).stdout).into_owned();
    let said = check();
    assert!(
        said.contains("WRONG backup: database.backup_dir: ") && said.contains("cannot be read"),
        "{said}"
    );
    let folder = program.folder.path().join("backups");
    fs::create_dir(&folder).expect("a folder");
    assert!(check().contains("holds no backup: see to who makes them"));
    fs::write(folder.join("school-1.db"), "everything").expect("a file");
    assert!(
        check().contains("ok    backup: the newest is 0 hours old"),
        "{}",
        check()
    );
    let program = Program::new(&config(database, ""));
    let said = String::from_utf8_lossy(&program.run(&["check"]).stdout).into_owned();
    assert!(said.contains("note  backup: nobody here watches"), "{said}");
}
