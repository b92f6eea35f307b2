//! A message's history in words, for `explain` and the pages.

use chrono_tz::Tz;

use crate::{
    instant::Millis,
    journal::cell::DEBT,
    store::{Attempt, Carried, History},
    zone,
};

/// From the journal row to the last receipt, one sentence a line.
pub fn tell(history: &History, zone: Tz) -> Vec<String> {
    let to = match history.address.as_str() {
        "" => history.guardian.clone(),
        address => format!("{} ({address})", history.guardian),
    };
    let mut story = vec![format!(
        "Message {} by {} to {to}.",
        history.reference, history.channel
    )];
    for notice in &history.notices {
        story.extend(carried(notice, zone));
    }
    let composed = at(history.composed_at, zone);
    story.push(match (history.channel.as_str(), history.parts) {
        ("sms", 1) => format!("\nComposed {composed}, in one part."),
        ("sms", parts) => format!("\nComposed {composed}, in {parts} parts."),
        _ => format!("\nComposed {composed}."),
    });
    for one in &history.attempts {
        story.push(attempt(one, zone));
        let answer = one.answer.as_ref();
        story.extend(
            answer.map(|words| format!("  The provider answered what nobody understood: {words}")),
        );
    }
    for (kind, received) in &history.receipts {
        story.push(format!("Receipt {}: {kind}.", at(*received, zone)));
    }
    let since = at(history.state_at, zone);
    let why = because(history.reason.as_deref());
    story.push(format!("State: {} since {since}{why}.", history.state));
    if matches!(history.state.as_str(), "ready" | "in_doubt") {
        story.push(format!("Next look: {}.", at(history.not_before, zone)));
    }
    if history.possible_duplicate {
        story.push("It was sent once more after a doubt: the recipient may have it twice.".into());
    }
    story
}

fn carried(notice: &Carried, zone: Tz) -> Vec<String> {
    let change = match notice.change {
        // The demo's clock runs ahead of the database's.
        Some((written, _)) if written > notice.seen_at => "changed".into(),
        Some((written, Some(import))) => {
            format!("changed {} by import {import}", at(written, zone))
        }
        Some((written, None)) => format!("changed {}", at(written, zone)),
        None => "the change is not kept any more".into(),
    };
    let mut lines = vec![
        format!(
            "\n{} – {}, told to {} as {}.",
            notice.student, notice.what, notice.guardian, notice.event
        ),
        format!(
            "  The journal: {change}, seen {}.",
            at(notice.seen_at, zone)
        ),
    ];
    if !notice.value.is_empty() {
        lines.push(format!(
            "  Known before: {}. The message says: {}.",
            cell(&notice.basis),
            cell(&notice.value)
        ));
    }
    lines.push(format!(
        "  The notice is {}{}.",
        notice.state,
        because(notice.reason.as_deref())
    ));
    lines
}

fn attempt(attempt: &Attempt, zone: Tz) -> String {
    let end = match (&attempt.outcome, attempt.finished_at) {
        (Some(outcome), Some(finished)) => format!("ended {}: {outcome}", at(finished, zone)),
        _ => "under way".into(),
    };
    let words = match (&attempt.code, &attempt.detail) {
        (Some(code), Some(detail)) => format!(" – {detail} ({code})"),
        _ => String::new(),
    };
    let left = at(attempt.started_at, zone);
    format!("Attempt {}: left {left}, {end}{words}", attempt.number)
}

fn because(reason: Option<&str>) -> String {
    reason.map_or_else(String::new, |why| {
        format!(": {}", why.trim_end_matches('.'))
    })
}

fn at(instant: Millis, zone: Tz) -> String {
    zone::local(instant, zone)
        .format("%d.%m.%Y %H:%M:%S")
        .to_string()
}

/// A cell as people read it.
pub fn cell(json: &str) -> String {
    let values: Vec<String> = serde_json::from_str(json).unwrap_or_default();
    let words: Vec<String> = values
        .iter()
        .map(|value| {
            if value == DEBT {
                "a debt".into()
            } else {
                format!("«{value}»")
            }
        })
        .collect();
    if words.is_empty() {
        "nothing".into()
    } else {
        words.join(" and ")
    }
}
