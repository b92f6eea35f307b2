-- The first draft of both tables was never written to.
DROP TABLE audit;
DROP TABLE session;

-- Who may look at the board, and what they may do there.
CREATE TABLE board_user (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    staff_id BIGINT REFERENCES staff (id),
    language TEXT NOT NULL DEFAULT 'ru',
    password TEXT NOT NULL,
    -- Whether the password was given by somebody else, and has to be changed at the next login.
    given BIGINT NOT NULL DEFAULT 1,
    -- What the secret of the second factor is made from, beside the school's key; none until it is set up.
    second TEXT,
    -- The step of the last code that let them in: a code is used once.
    second_step BIGINT NOT NULL DEFAULT 0,
    wrong BIGINT NOT NULL DEFAULT 0,
    locked_until BIGINT NOT NULL DEFAULT 0,
    added_at BIGINT NOT NULL,
    ended_at BIGINT,
    CONSTRAINT board_user_login_is_unique UNIQUE (login),
    CONSTRAINT board_user_role_is_known CHECK (role IN ('admin', 'director', 'deputy', 'class_teacher', 'secretary')),
    CONSTRAINT board_user_given_is_0_or_1 CHECK (given IN (0, 1))
);

-- A browser that somebody has logged in with. Only the hash of what its cookie holds is kept.
CREATE TABLE session (
    key_hash TEXT PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES board_user (id),
    -- What every form says again, so that no other site can fill one in.
    token TEXT NOT NULL,
    -- What the browser calls itself, hashed: a cookie that turns up elsewhere is a stolen one.
    agent_hash TEXT NOT NULL,
    -- `password` until the second factor is given.
    stage TEXT NOT NULL,
    begun_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    CONSTRAINT session_stage_is_known CHECK (stage IN ('password', 'open'))
);
CREATE INDEX session_by_user ON session (user_id);

-- What people did on the board and on the command line, in words. Each entry seals the one before it.
CREATE TABLE audit (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    user_id BIGINT REFERENCES board_user (id),
    who TEXT NOT NULL,
    deed TEXT NOT NULL,
    words TEXT NOT NULL,
    before_hash TEXT NOT NULL,
    hash TEXT NOT NULL,
    CONSTRAINT audit_is_one_chain UNIQUE (before_hash)
);

CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was done stays written down';
END $$;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_stays();

-- What families complain of, and what they were answered.
CREATE TABLE complaint (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    student_id BIGINT NOT NULL REFERENCES student (id),
    guardian_id BIGINT REFERENCES guardian (id),
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    received_by BIGINT REFERENCES board_user (id),
    answer TEXT,
    answered_at BIGINT,
    answered_by BIGINT REFERENCES board_user (id),
    CONSTRAINT complaint_kind_is_known CHECK (kind IN ('not_arrived', 'of_another', 'wrong', 'too_often', 'stop', 'other')),
    CONSTRAINT complaint_names_its_answer CHECK ((answer IS NULL) = (answered_at IS NULL))
);
CREATE INDEX complaint_open ON complaint (id) WHERE answered_at IS NULL;
CREATE INDEX complaint_by_student ON complaint (student_id);

-- A person asked for a failed message once more: its address counts as untried.
ALTER TABLE message ADD COLUMN again BIGINT NOT NULL DEFAULT 0;

-- What the board asks.
CREATE INDEX message_by_time ON message (composed_at);
CREATE INDEX message_by_state ON message (state, id);
CREATE INDEX message_by_channel ON message (channel, id);
CREATE INDEX message_by_guardian ON message (guardian_id, id);
