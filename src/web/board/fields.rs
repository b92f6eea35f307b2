//! What a form says.

use axum::{
    RequestExt,
    extract::{Form, FromRequest, Request},
};
use subtle::ConstantTimeEq;

use super::{fault::Fault, visit::Visit};

/// The fields of a form that was filled in on a page of this session: what is not, never becomes one.
#[derive(Clone, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Fault;

    async fn from_request(request: Request, _: &S) -> Result<Self, Fault> {
        let token = request
            .extensions()
            .get::<Visit>()
            .map(|visit| visit.token.clone());
        // A browser says by itself where a form comes from.
        let from = request.headers().get("sec-fetch-site");
        let elsewhere = from.is_some_and(|site| site != "same-origin" && site != "none");
        let form: Result<Form<Vec<(String, String)>>, _> = request.extract().await;
        let Ok(Form(fields)) = form else {
            return Err(Fault::Stale);
        };
        let fields = Self(fields);
        let said = fields.get("token").unwrap_or_default().as_bytes();
        let same = token.is_some_and(|token| bool::from(token.as_bytes().ct_eq(said)));
        if elsewhere || !same {
            return Err(Fault::Stale);
        }
        Ok(fields)
    }
}

impl Fields {
    /// A field that is not empty, without the blanks around it.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty())
    }

    /// A field that is a whole number.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.get(name)?.parse().ok()
    }

    /// All values of a field, of boxes that were ticked.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}
