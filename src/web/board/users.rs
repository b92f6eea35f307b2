//! «Доступ»: who may look at the board.

use axum::{Router, extract::State, response::Response, routing::get};
use serde_json::{Value, json};

use super::{Board, fault::Fault, fields::Fields, visit::Visit};
use crate::{
    clock,
    store::NewUser,
    user::{Role, Room, deed::Deed, login, password},
};

pub(super) fn routes() -> Router<Board> {
    Router::new().route("/users", get(list).post(deed))
}

async fn list(State(board): State<Board>, visit: Visit) -> Result<Response, Fault> {
    shown(&board, &visit, None).await
}

async fn shown(board: &Board, visit: &Visit, given: Option<Value>) -> Result<Response, Fault> {
    let mut rows = Vec::new();
    for one in board.store.users().await? {
        rows.push(json!({
            "login": one.login, "name": one.name,
            "role": board.say(visit, &format!("role.{}", one.role.code()), &Value::Null)?,
            "second": one.second.is_some(), "given": one.given, "own": one.id == visit.user.id,
        }));
    }
    let mut roles = Vec::new();
    for role in Role::ALL {
        let words = board.say(visit, &format!("role.{}", role.code()), &Value::Null)?;
        roles.push(json!({ "code": role.code(), "words": words }));
    }
    let data = json!({ "rows": rows, "roles": roles, "given": given, "token": visit.token });
    board.page(visit, Room::Users, "users", data).await
}

/// Lets somebody in, gives a new password, or lets somebody in no more.
async fn deed(State(board): State<Board>, visit: Visit, fields: Fields) -> Result<Response, Fault> {
    let cannot =
        |name: &str| Ok::<_, Fault>(Fault::Cannot(board.say(&visit, name, &Value::Null)?));
    let Some(name) = fields.get("login").and_then(login) else {
        return Err(cannot("users.no_login")?);
    };
    let now = board.now();
    let drawn = password::draw(&mut clock::random());
    let typed = drawn.clone();
    let hash =
        tokio::task::spawn_blocking(move || password::hash(&typed, &mut clock::random())).await??;
    match fields.get("deed") {
        Some("add") => {
            let role = fields
                .get("role")
                .and_then(Role::from_code)
                .ok_or(Fault::Nothing)?;
            let staff = match fields.get("staff") {
                Some(who) => match &board.store.find_staff(who).await?[..] {
                    [one] => Some(one.clone()),
                    _ => return Err(cannot("users.no_staff")?),
                },
                None if role.own_classes_only() => return Err(cannot("users.no_staff")?),
                None => None,
            };
            let called = fields
                .get("name")
                .map(str::to_owned)
                .or_else(|| staff.as_ref().map(|one| one.name.clone()));
            let new = NewUser {
                login: &name,
                name: called.as_deref().unwrap_or(&name),
                role,
                staff_id: staff.map(|one| one.id),
                language: visit.language().code(),
                password: &hash,
            };
            let deed = Deed::AddUser {
                login: &name,
                role: role.code(),
            };
            let mut tx = board.deed(&visit, &deed).await?;
            if tx.add_user(&new, now).await?.is_none() {
                return Err(cannot("users.taken")?);
            }
            tx.commit().await?;
        }
        Some("reset") => {
            let known = board.store.known(&name).await?.ok_or(Fault::Nothing)?;
            let deed = Deed::ResetUser { login: &name };
            let mut tx = board.deed(&visit, &deed).await?;
            tx.set_password(known.user.id, &hash, true, None).await?;
            tx.set_second(known.user.id, None).await?;
            tx.commit().await?;
        }
        Some("end") => {
            if name == visit.user.login {
                return Err(cannot("users.own")?);
            }
            let deed = Deed::EndUser { login: &name };
            let mut tx = board.deed(&visit, &deed).await?;
            if !tx.end_user(&name, now).await? {
                return Err(Fault::Nothing);
            }
            tx.commit().await?;
            return shown(&board, &visit, None).await;
        }
        _ => return Err(Fault::Nothing),
    }
    shown(
        &board,
        &visit,
        Some(json!({ "login": name, "password": drawn.reveal() })),
    )
    .await
}
