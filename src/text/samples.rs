//! Tries every template with a sample, before anybody relies on it.

use chrono::NaiveDate;
use serde::Deserialize;

use super::{Item, Letter, Occasion, School, StudentNews, TemplateError, Templates, files};
use crate::{family::contact::Channel, journal::cell::News};

/// One piece of news as a sample file writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    student: String,
    class: Option<String>,
    subject: String,
    date: NaiveDate,
    old: Option<String>,
    new: Option<String>,
    work_kind: Option<String>,
    comment: Option<String>,
}

/// Renders each sample on each channel and looks for what must not be lost.
pub(super) fn try_all(templates: &Templates) -> Result<(), TemplateError> {
    for (name, source) in files::SAMPLES {
        let samples: Vec<Sample> =
            serde_json::from_str(source).map_err(|error| TemplateError::Broken {
                name: (*name).to_owned(),
                problem: error.to_string(),
            })?;
        for sample in samples {
            try_one(templates, sample)?;
        }
    }
    Ok(())
}

fn try_one(templates: &Templates, sample: Sample) -> Result<(), TemplateError> {
    let date = sample.date;
    let student = sample.student.clone();
    let class = sample.class.clone();
    let Some(item) = sample.item() else {
        return Ok(());
    };
    let event = item.event().code();
    let mut wanted = vec![item.subject.clone()];
    match &item.news {
        News::Entered(value) | News::Withdrawn(value) => wanted.push(value.clone()),
        News::Corrected { old, new } => wanted.extend(old.iter().chain([new]).cloned()),
    }
    let letter = Letter {
        school: School {
            name: "Школа № 12".into(),
            short_name: "Школа 12".into(),
            phone: Some("(343) 215-40-12".into()),
        },
        occasion: Occasion::Daily,
        date,
        students: vec![StudentNews {
            name: student.clone(),
            class,
            items: vec![item],
        }],
    };
    for channel in [Channel::Sms, Channel::Email] {
        let text = templates.render(channel, &letter)?;
        let kinds = match channel {
            Channel::Sms => vec![("sms", &text.text)],
            _ => [
                ("email.txt", Some(&text.text)),
                ("email.html", text.html.as_ref()),
            ]
            .into_iter()
            .filter_map(|(kind, text)| Some((kind, text?)))
            .collect(),
        };
        for (kind, text) in kinds {
            if let Some(lost) = wanted.iter().find(|wanted| !text.contains(wanted.as_str())) {
                return Err(TemplateError::Loses {
                    name: format!("{event}/{kind}.hbs"),
                    lost: lost.clone(),
                });
            }
            if !text.contains(&student) {
                let name = format!("frame/{kind}.hbs");
                return Err(TemplateError::Loses {
                    name,
                    lost: student,
                });
            }
        }
    }
    Ok(())
}

impl Sample {
    fn item(self) -> Option<Item> {
        let news = match (self.old, self.new) {
            (None, Some(new)) => News::Entered(new),
            (Some(old), Some(new)) => News::Corrected {
                old: Some(old),
                new,
            },
            (Some(old), None) => News::Withdrawn(old),
            (None, None) => return None,
        };
        Some(Item {
            subject: self.subject,
            date: self.date,
            news,
            work_kind: self.work_kind,
            comment: self.comment,
        })
    }
}
