//! Who may look at the board: roles and what they open, passwords, second factors, and the chain of what was done.

pub mod chain;
pub mod deed;
pub mod password;
pub mod second;

/// What somebody is at the school, as the board knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Runs the program: sees and may do everything.
    Admin,
    /// Sees everything and decides.
    Director,
    /// As the director.
    Deputy,
    /// Sees the own classes.
    ClassTeacher,
    /// Deals with paper.
    Secretary,
}

/// A part of the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Room {
    /// Whether everything runs, and what needs a decision.
    Now,
    /// The ledger.
    Week,
    /// Every message.
    Messages,
    /// Students and who answers for them.
    Families,
    /// Sheets and their register.
    Paper,
    /// Words to many.
    Announcements,
    /// Who carries messages.
    Providers,
    /// The policy, and how it decides.
    Rules,
    /// What came into the journal.
    Journal,
    /// Who may look at the board.
    Users,
    /// What was done.
    Audit,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Admin,
        Self::Director,
        Self::Deputy,
        Self::ClassTeacher,
        Self::Secretary,
    ];

    /// The code in `board_user.role`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Director => "director",
            Self::Deputy => "deputy",
            Self::ClassTeacher => "class_teacher",
            Self::Secretary => "secretary",
        }
    }

    /// The role with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.code() == code)
    }

    /// Whether somebody in this role may enter a room.
    pub fn opens(self, room: Room) -> bool {
        match self {
            Self::Admin => true,
            Self::Director | Self::Deputy => room != Room::Users,
            Self::ClassTeacher => matches!(
                room,
                Room::Week | Room::Families | Room::Paper | Room::Announcements
            ),
            Self::Secretary => room == Room::Paper,
        }
    }

    /// Whether it is limited to the own classes.
    pub fn own_classes_only(self) -> bool {
        self == Self::ClassTeacher
    }

    /// Whether somebody in this role decides what is held and what becomes of messages.
    pub fn decides(self) -> bool {
        matches!(self, Self::Admin | Self::Director | Self::Deputy)
    }
}

impl Room {
    /// All of them, in the order of the menu.
    pub const ALL: [Self; 11] = [
        Self::Now,
        Self::Week,
        Self::Messages,
        Self::Families,
        Self::Paper,
        Self::Announcements,
        Self::Providers,
        Self::Rules,
        Self::Journal,
        Self::Audit,
        Self::Users,
    ];

    /// Its name in paths and in `templates/web/board`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Week => "week",
            Self::Messages => "messages",
            Self::Families => "families",
            Self::Paper => "paper",
            Self::Announcements => "announcements",
            Self::Providers => "providers",
            Self::Rules => "rules",
            Self::Journal => "journal",
            Self::Audit => "audit",
            Self::Users => "users",
        }
    }

    /// The path of its first page.
    pub fn path(self) -> String {
        match self {
            Self::Now => "/".to_owned(),
            room => format!("/{}", room.code()),
        }
    }
}

/// Somebody who may look at the board.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// `board_user.id`
    pub id: i64,
    /// What they log in with.
    pub login: String,
    /// What they are called.
    pub name: String,
    /// What they may see and do.
    pub role: Role,
    /// Who they are among the staff: `staff.id`.
    pub staff_id: Option<i64>,
    /// The language of their pages: `ru` or `en`.
    pub language: String,
    /// Whether somebody else gave them their password.
    pub given: bool,
    /// What the secret of their second factor is made from.
    pub second: Option<String>,
}

/// Prints no name.
impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "User({}, {})", self.id, self.role.code())
    }
}

/// A login as it is kept: small letters, digits, dots and dashes, three to forty. None for what is none.
pub fn login(typed: &str) -> Option<String> {
    let login = typed.trim().to_lowercase();
    let fits = (3..=40).contains(&login.chars().count())
        && login
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@'));
    fits.then_some(login)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_opens_its_rooms_and_every_code_is_read_back() {
        for role in Role::ALL {
            assert_eq!(Role::from_code(role.code()), Some(role));
        }
        assert!(Room::ALL.iter().all(|room| Role::Admin.opens(*room)));
        assert!(!Role::Director.opens(Room::Users));
        assert!(Role::ClassTeacher.opens(Room::Week) && !Role::ClassTeacher.opens(Room::Now));
        let of_secretary: Vec<Room> = Room::ALL
            .into_iter()
            .filter(|room| Role::Secretary.opens(*room))
            .collect();
        assert_eq!(of_secretary, [Room::Paper]);
        assert!(!Role::Secretary.decides() && !Role::ClassTeacher.decides());
    }

    #[test]
    fn a_login_is_plain() {
        assert_eq!(login(" A.Ivanova ").as_deref(), Some("a.ivanova"));
        assert_eq!(login("иванова").as_deref(), Some("иванова"));
        for wrong in ["", "ab", "a b c", "a/../b", "<script>", &"x".repeat(41)] {
            assert_eq!(login(wrong), None, "{wrong}");
        }
    }
}
