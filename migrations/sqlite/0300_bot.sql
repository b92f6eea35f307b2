-- The bot: where conversations stand, what can be pressed in them, and what families ask.

-- The last update that was handled in a chat, and what it is answered until that has been shown.
ALTER TABLE dialogue ADD COLUMN update_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE dialogue ADD COLUMN answer TEXT;

-- How often a wrong code was typed there since then.
ALTER TABLE dialogue ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE dialogue ADD COLUMN failing_since BIGINT;

-- What can be pressed: a button holds only this name and a number.
CREATE TABLE screen (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    channel TEXT NOT NULL,
    chat TEXT NOT NULL,
    choices TEXT NOT NULL,
    shown_at BIGINT NOT NULL,
    CONSTRAINT screen_is_named_once UNIQUE (name)
);
CREATE INDEX screen_by_chat ON screen (channel, chat, id);

-- An invitation is given out at one time and used in one chat.
ALTER TABLE invite ADD COLUMN issued_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE invite ADD COLUMN used_in TEXT;
CREATE INDEX invite_by_guardian ON invite (guardian_id, student_id);

-- What a family asks, or says is wrong, and what it was answered.
CREATE TABLE inquiry (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    guardian_id BIGINT NOT NULL REFERENCES guardian (id),
    student_id BIGINT NOT NULL REFERENCES student (id),
    about TEXT,
    text TEXT NOT NULL,
    channel TEXT NOT NULL,
    chat TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    answer_by BIGINT,
    answer TEXT,
    answered_by BIGINT REFERENCES staff (id),
    answered_at BIGINT,
    CONSTRAINT inquiry_kind_is_known CHECK (kind IN ('question', 'mistake'))
);
CREATE INDEX inquiry_by_guardian ON inquiry (guardian_id, asked_at);

-- What the bot says by itself in a chat beside messages: an answer to a question, a warning.
CREATE TABLE saying (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    channel TEXT NOT NULL,
    chat TEXT NOT NULL,
    text TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',
    code TEXT,
    said_at BIGINT NOT NULL,
    state_at BIGINT NOT NULL,
    CONSTRAINT saying_state_is_known CHECK (state IN ('waiting', 'shown', 'lost'))
);
CREATE INDEX saying_that_waits ON saying (id) WHERE state = 'waiting';

-- Until when a member of staff needs no PIN in a chat.
ALTER TABLE dialogue ADD COLUMN session_until BIGINT;

-- The PIN of a member of staff, as a seal that only the school's key can make.
CREATE TABLE staff_pin (
    id INTEGER PRIMARY KEY,
    staff_id BIGINT NOT NULL REFERENCES staff (id),
    seal TEXT NOT NULL,
    failures BIGINT NOT NULL DEFAULT 0,
    locked_until BIGINT,
    set_at BIGINT NOT NULL,
    CONSTRAINT staff_pin_is_one UNIQUE (staff_id)
);

-- A word to many whose author watches how it spreads: the message of the chat that tells it.
CREATE TABLE announcing (
    id INTEGER PRIMARY KEY,
    announcement_id BIGINT NOT NULL REFERENCES announcement (id),
    channel TEXT NOT NULL,
    chat TEXT NOT NULL,
    message TEXT NOT NULL,
    shown TEXT,
    shown_at BIGINT NOT NULL,
    ended_at BIGINT,
    CONSTRAINT announcing_is_watched_once UNIQUE (announcement_id, channel, chat)
);

-- A word that reminds those who have not acknowledged another one.
ALTER TABLE announcement ADD COLUMN reminds_id BIGINT REFERENCES announcement (id);

-- Families decide by the bot, too.
CREATE TABLE family_choice_with_bot (
    id INTEGER PRIMARY KEY,
    guardian_id BIGINT NOT NULL REFERENCES guardian (id),
    what TEXT NOT NULL,
    way TEXT NOT NULL,
    message_id BIGINT REFERENCES message (id),
    at BIGINT NOT NULL,
    CONSTRAINT family_choice_way_is_known CHECK (way IN ('page', 'link', 'mail', 'bot'))
);
INSERT INTO family_choice_with_bot SELECT id, guardian_id, what, way, message_id, at FROM family_choice;
DROP TABLE family_choice;
ALTER TABLE family_choice_with_bot RENAME TO family_choice;
CREATE INDEX family_choice_by_guardian ON family_choice (guardian_id, at);
