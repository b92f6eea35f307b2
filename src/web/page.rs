//! What all pages share: templates, headers, and an answer where one fails.

use anyhow::Result;
use axum::{
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use handlebars::Handlebars;

/// Nothing from elsewhere, no script: a mail that is shown here must not run anything.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; img-src 'none'; form-action 'self'";

/// All pages' templates.
///
/// # Errors
/// A template that does not parse, which a test rules out.
pub fn templates() -> Result<Handlebars<'static>> {
    let mut templates = Handlebars::new();
    templates.set_strict_mode(true);
    for (name, source) in [
        ("demo", include_str!("../../templates/web/demo.hbs")),
        ("class", include_str!("../../templates/web/class.hbs")),
        ("student", include_str!("../../templates/web/student.hbs")),
        ("messages", include_str!("../../templates/web/messages.hbs")),
        ("message", include_str!("../../templates/web/message.hbs")),
    ] {
        templates.register_template_string(name, source)?;
    }
    templates.register_partial("style", include_str!("../../templates/web/style.hbs"))?;
    Ok(templates)
}

/// A page, or that there is none.
pub fn answer(page: Result<Option<String>>) -> Response {
    match page {
        Ok(Some(page)) => {
            let headers = [
                (header::CONTENT_SECURITY_POLICY, POLICY),
                (header::CACHE_CONTROL, "no-store"),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
                (header::REFERRER_POLICY, "no-referrer"),
            ];
            (headers, Html(page)).into_response()
        }
        Ok(None) => (StatusCode::NOT_FOUND, "there is nothing of this name").into_response(),
        Err(error) => {
            tracing::error!(error = crate::app::story(error.as_ref()), "a page failed");
            let words = "the page failed; see the log";
            (StatusCode::INTERNAL_SERVER_ERROR, words).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_template_parses() {
        assert!(super::templates().is_ok());
    }
}
