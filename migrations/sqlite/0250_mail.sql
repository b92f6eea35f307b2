-- What mails bring with them and what comes back.

-- The dates that a mail speaks of, as an iCalendar file.
ALTER TABLE message ADD COLUMN calendar TEXT;

-- Every mail that came back, once. It holds neither address nor text.
CREATE TABLE returned_mail (
    id INTEGER PRIMARY KEY,
    mark TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT,
    message_id BIGINT REFERENCES message (id),
    received_at BIGINT NOT NULL,
    CONSTRAINT returned_mail_comes_once UNIQUE (mark),
    CONSTRAINT returned_mail_kind_is_known CHECK (kind IN ('dead', 'undelivered', 'refused', 'delayed', 'leave', 'other', 'unknown'))
);

-- How far a mailbox was read.
CREATE TABLE mailbox (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    validity BIGINT NOT NULL,
    last_uid BIGINT NOT NULL,
    CONSTRAINT mailbox_is_named_once UNIQUE (name)
);

-- A link by which a guardian may set their own preferences. The link is sealed; this is the rest of it.
CREATE TABLE preference_link (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    guardian_id BIGINT NOT NULL REFERENCES guardian (id),
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    CONSTRAINT preference_link_is_named_once UNIQUE (name)
);

-- What a family decided by itself, by a link or a mail.
CREATE TABLE family_choice (
    id INTEGER PRIMARY KEY,
    guardian_id BIGINT NOT NULL REFERENCES guardian (id),
    what TEXT NOT NULL,
    way TEXT NOT NULL,
    message_id BIGINT REFERENCES message (id),
    at BIGINT NOT NULL,
    CONSTRAINT family_choice_way_is_known CHECK (way IN ('page', 'link', 'mail'))
);
CREATE INDEX family_choice_by_guardian ON family_choice (guardian_id, at);
