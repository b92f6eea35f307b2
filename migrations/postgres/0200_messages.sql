-- The message side: duties, texts, tries and what came back. These tables are the program's own.

-- One call of the importer, whole or not at all.
CREATE TABLE import (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source TEXT NOT NULL,
    files TEXT,
    started_at BIGINT NOT NULL,
    finished_at BIGINT,
    rows_read BIGINT NOT NULL DEFAULT 0,
    inserted BIGINT NOT NULL DEFAULT 0,
    updated BIGINT NOT NULL DEFAULT 0,
    deleted BIGINT NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'running',
    CONSTRAINT import_state_is_known CHECK (state IN ('running', 'done', 'failed'))
);

-- What a class, or a student who joined it, was taken to know when its first file of a kind came.
CREATE TABLE baseline (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    class_id BIGINT NOT NULL REFERENCES class (id),
    student_id BIGINT REFERENCES student (id),
    kind TEXT NOT NULL,
    import_id BIGINT REFERENCES import (id),
    taken_at BIGINT NOT NULL,
    CONSTRAINT baseline_kind_is_known CHECK (kind IN ('mark', 'homework', 'attendance', 'remark', 'term_result'))
);
CREATE INDEX baseline_by_class ON baseline (class_id, kind);

-- What a recipient last learned of a fact. Written when a message is accepted or in doubt, or a sheet printed.
CREATE TABLE told (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    guardian_id BIGINT,
    staff_id BIGINT,
    fact TEXT NOT NULL,
    value TEXT NOT NULL,
    told_at BIGINT NOT NULL,
    message_id BIGINT,
    CONSTRAINT told_has_one_recipient CHECK ((guardian_id IS NULL) <> (staff_id IS NULL)),
    CONSTRAINT told_is_one_a_guardian UNIQUE (guardian_id, fact),
    CONSTRAINT told_is_one_a_staff UNIQUE (staff_id, fact)
);

-- Something held for a person's decision: a burst, a back-dated import, a restored copy.
CREATE TABLE hold (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind TEXT NOT NULL,
    what TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    decided_at BIGINT,
    decided_by BIGINT,
    decision TEXT,
    CONSTRAINT hold_decision_is_known CHECK (decision IN ('release', 'drop', 'summarise'))
);

-- The duty to tell one person one fact. due_at is what the state waits for.
CREATE TABLE notice (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    guardian_id BIGINT,
    staff_id BIGINT,
    student_id BIGINT,
    fact TEXT NOT NULL,
    event TEXT NOT NULL,
    urgency BIGINT NOT NULL DEFAULT 2,
    basis TEXT NOT NULL,
    basis_told BIGINT NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'settling',
    waits_for TEXT,
    due_at BIGINT,
    reason TEXT,
    look_again BIGINT NOT NULL DEFAULT 0,
    hold_id BIGINT REFERENCES hold (id),
    merged_into BIGINT,
    change_id BIGINT,
    seen_at BIGINT NOT NULL,
    state_at BIGINT NOT NULL,
    CONSTRAINT notice_basis_told_is_0_or_1 CHECK (basis_told IN (0, 1)),
    CONSTRAINT notice_state_is_known CHECK (state IN ('settling', 'waiting', 'in_message', 'informed', 'told_by_paper', 'red', 'held', 'merged', 'closed')),
    CONSTRAINT notice_waits_for_is_known CHECK (waits_for IN ('settling', 'window', 'quiet', 'deadline', 'sheet', 'decision')),
    CONSTRAINT notice_look_again_is_0_or_1 CHECK (look_again IN (0, 1)),
    CONSTRAINT notice_has_one_recipient CHECK ((guardian_id IS NULL) <> (staff_id IS NULL)),
    CONSTRAINT notice_names_its_reason CHECK (state NOT IN ('closed', 'red') OR reason IS NOT NULL),
    CONSTRAINT notice_names_what_it_waits_for CHECK (state NOT IN ('settling', 'waiting', 'held') OR waits_for IS NOT NULL)
);

-- One composed text to one address on one channel. Its text is frozen; rank only rises.
CREATE TABLE message (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ref TEXT NOT NULL,
    school_id BIGINT NOT NULL DEFAULT 1 REFERENCES school (id),
    lane TEXT NOT NULL,
    channel TEXT NOT NULL,
    guardian_id BIGINT,
    contact_id BIGINT,
    address TEXT NOT NULL,
    address_hash TEXT,
    urgency BIGINT NOT NULL DEFAULT 2,
    subject TEXT,
    body_text TEXT NOT NULL,
    body_html TEXT,
    parts BIGINT NOT NULL DEFAULT 1,
    state TEXT NOT NULL DEFAULT 'ready',
    rank BIGINT NOT NULL DEFAULT 0,
    epoch BIGINT,
    not_before BIGINT NOT NULL,
    useful_until BIGINT,
    attempts BIGINT NOT NULL DEFAULT 0,
    resent BIGINT NOT NULL DEFAULT 0,
    asked BIGINT NOT NULL DEFAULT 0,
    provider_ref TEXT,
    follows_id BIGINT REFERENCES message (id),
    reason TEXT,
    composed_at BIGINT NOT NULL,
    state_at BIGINT NOT NULL,
    CONSTRAINT message_channel_is_known CHECK (channel IN ('sms', 'email', 'telegram', 'max', 'viber', 'paper')),
    CONSTRAINT message_state_is_known CHECK (state IN ('ready', 'sending', 'in_doubt', 'accepted', 'no_receipt', 'undelivered', 'delivered', 'rejected', 'unresolved', 'superseded', 'cancelled', 'suppressed', 'expired')),
    CONSTRAINT message_resent_is_0_or_1 CHECK (resent IN (0, 1)),
    CONSTRAINT message_ref_is_unique UNIQUE (ref),
    CONSTRAINT message_names_its_reason CHECK (state NOT IN ('rejected', 'unresolved', 'cancelled', 'suppressed', 'expired') OR reason IS NOT NULL)
);
CREATE INDEX message_by_address ON message (channel, address, state);

-- Which duties a message carries, and the value that it says.
CREATE TABLE message_notice (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id BIGINT NOT NULL REFERENCES message (id),
    notice_id BIGINT NOT NULL REFERENCES notice (id),
    value TEXT NOT NULL,
    CONSTRAINT message_carries_a_notice_once UNIQUE (message_id, notice_id)
);
CREATE INDEX message_notice_by_notice ON message_notice (notice_id);

-- A part of a long SMS, as far as the provider tells them apart.
CREATE TABLE message_part (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id BIGINT NOT NULL REFERENCES message (id),
    number BIGINT NOT NULL,
    provider_ref TEXT,
    state TEXT NOT NULL DEFAULT 'ready',
    state_at BIGINT NOT NULL,
    CONSTRAINT message_part_is_numbered_once UNIQUE (message_id, number)
);

-- One call to a provider, committed before the call leaves.
CREATE TABLE attempt (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id BIGINT NOT NULL REFERENCES message (id),
    number BIGINT NOT NULL,
    lane TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    client_ref BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT,
    outcome TEXT,
    code TEXT,
    detail TEXT,
    provider_ref TEXT,
    retry_after BIGINT,
    CONSTRAINT attempt_outcome_is_known CHECK (outcome IN ('accepted', 'deferred', 'rejected', 'in_doubt', 'lost')),
    CONSTRAINT attempt_is_numbered_once UNIQUE (message_id, number),
    CONSTRAINT attempt_ends_with_an_outcome CHECK ((finished_at IS NULL) = (outcome IS NULL))
);
CREATE INDEX attempt_by_client_ref ON attempt (lane, client_ref);

-- A later word, stored raw first. Unmatched ones are kept and tried again for a day.
CREATE TABLE receipt (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lane TEXT NOT NULL,
    provider_ref TEXT,
    client_ref BIGINT,
    message_id BIGINT REFERENCES message (id),
    kind TEXT NOT NULL,
    raw TEXT,
    received_at BIGINT NOT NULL,
    matched_at BIGINT,
    CONSTRAINT receipt_kind_is_known CHECK (kind IN ('delivered', 'undelivered', 'under_way', 'bounced', 'read', 'signed', 'not_found', 'unknown'))
);
CREATE INDEX receipt_by_provider_ref ON receipt (lane, provider_ref);

-- One provider account, or «plan». The lease is the claim; the epoch rises with each holder.
CREATE TABLE lane (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name TEXT NOT NULL,
    holder TEXT,
    epoch BIGINT NOT NULL DEFAULT 0,
    expires_at BIGINT NOT NULL DEFAULT 0,
    rests_until BIGINT NOT NULL DEFAULT 0,
    rests_because TEXT,
    CONSTRAINT lane_is_named_once UNIQUE (name)
);

-- The copy of the database that may send; the same epoch stands in a file beside it.
CREATE TABLE instance (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    epoch BIGINT NOT NULL,
    machine TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    quarantined_at BIGINT,
    released_by TEXT
);

-- That a scheduled job ran for one of its times, claimed by compare-and-set.
CREATE TABLE schedule_run (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    claimed_at BIGINT NOT NULL,
    finished_at BIGINT,
    outcome TEXT,
    CONSTRAINT schedule_run_happens_once UNIQUE (job, due_at)
);

-- A batch of sheets of one class and week.
CREATE TABLE print_run (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    class_id BIGINT NOT NULL REFERENCES class (id),
    week TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'ready',
    sheets BIGINT NOT NULL DEFAULT 0,
    data_at BIGINT NOT NULL,
    printed_at BIGINT,
    printed_by BIGINT REFERENCES staff (id),
    CONSTRAINT print_run_state_is_known CHECK (state IN ('ready', 'printing', 'printed', 'unsure', 'failed'))
);

-- One sheet of paper for one family.
CREATE TABLE sheet (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    print_run_id BIGINT REFERENCES print_run (id),
    guardian_id BIGINT NOT NULL REFERENCES guardian (id),
    student_id BIGINT NOT NULL REFERENCES student (id),
    week TEXT NOT NULL,
    number BIGINT,
    check_code TEXT,
    state TEXT NOT NULL DEFAULT 'ready',
    reason TEXT,
    to_whom TEXT,
    how TEXT,
    by_staff_id BIGINT REFERENCES staff (id),
    duplicate_of BIGINT REFERENCES sheet (id),
    message_id BIGINT REFERENCES message (id),
    state_at BIGINT NOT NULL,
    CONSTRAINT sheet_state_is_known CHECK (state IN ('ready', 'in_run', 'printed', 'handed_out', 'slip_back', 'no_slip', 'not_handed', 'spoiled', 'reprinted', 'missing'))
);

-- The informing ledger: student × guardian × week, with the lowest evidence of what was due.
CREATE TABLE ledger (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    student_id BIGINT NOT NULL REFERENCES student (id),
    guardian_id BIGINT NOT NULL REFERENCES guardian (id),
    week TEXT NOT NULL,
    evidence BIGINT,
    reason TEXT,
    dirty BIGINT NOT NULL DEFAULT 1,
    computed_at BIGINT,
    CONSTRAINT ledger_evidence_is_known CHECK (evidence IN (0, 1, 2, 3, 4)),
    CONSTRAINT ledger_dirty_is_0_or_1 CHECK (dirty IN (0, 1)),
    CONSTRAINT ledger_cell_is_one UNIQUE (student_id, guardian_id, week)
);

-- That a person confirmed to have learned something.
CREATE TABLE acknowledgement (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    notice_id BIGINT NOT NULL REFERENCES notice (id),
    guardian_id BIGINT REFERENCES guardian (id),
    kind TEXT NOT NULL,
    channel TEXT NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT acknowledgement_kind_is_known CHECK (kind IN ('button', 'link', 'slip', 'call'))
);

-- A one-time invitation of one guardian for one student. Only a hash of the code is kept.
CREATE TABLE invite (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code_hash TEXT NOT NULL,
    guardian_id BIGINT REFERENCES guardian (id),
    student_id BIGINT REFERENCES student (id),
    staff_id BIGINT REFERENCES staff (id),
    issued_by BIGINT REFERENCES staff (id),
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    revoked_at BIGINT,
    failures BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT invite_code_is_unique UNIQUE (code_hash)
);

-- Where a conversation with the bot stands.
CREATE TABLE dialogue (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel TEXT NOT NULL,
    chat TEXT NOT NULL,
    guardian_id BIGINT REFERENCES guardian (id),
    staff_id BIGINT REFERENCES staff (id),
    state TEXT NOT NULL,
    data TEXT,
    updated_at BIGINT NOT NULL,
    CONSTRAINT dialogue_is_one_a_chat UNIQUE (channel, chat)
);

-- Who may open the board.
CREATE TABLE account (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name TEXT NOT NULL,
    staff_id BIGINT REFERENCES staff (id),
    role TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    totp TEXT,
    disabled_at BIGINT,
    created_at BIGINT NOT NULL,
    CONSTRAINT account_is_named_once UNIQUE (name)
);

-- An open session of the board or the bot. Only a hash of the token is kept.
CREATE TABLE session (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_hash TEXT NOT NULL,
    account_id BIGINT NOT NULL REFERENCES account (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    CONSTRAINT session_token_is_unique UNIQUE (token_hash)
);

-- A program's key to the API. Only a hash is kept.
CREATE TABLE api_token (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    scope TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    CONSTRAINT api_token_is_unique UNIQUE (token_hash)
);

-- Who did what, in words; append-only, each row sealed with the hash of the one before.
CREATE TABLE audit (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT,
    previous_hash TEXT,
    hash TEXT NOT NULL
);

-- Which rules held from when.
CREATE TABLE policy_version (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    school_id BIGINT NOT NULL DEFAULT 1 REFERENCES school (id),
    name TEXT NOT NULL,
    content TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    valid_from BIGINT NOT NULL
);

-- What was paid for messages, by month and lane.
CREATE TABLE spending (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lane TEXT NOT NULL,
    month TEXT NOT NULL,
    parts BIGINT NOT NULL DEFAULT 0,
    cost DOUBLE PRECISION NOT NULL DEFAULT 0,
    CONSTRAINT spending_is_one_a_month UNIQUE (lane, month)
);

-- One open notice per recipient and fact: a second change meets the first instead of doubling it.
CREATE UNIQUE INDEX notice_open_for_guardian ON notice (guardian_id, fact)
    WHERE guardian_id IS NOT NULL AND state IN ('settling', 'waiting', 'in_message', 'held');
CREATE UNIQUE INDEX notice_open_for_staff ON notice (staff_id, fact)
    WHERE staff_id IS NOT NULL AND state IN ('settling', 'waiting', 'in_message', 'held');
-- What the engine's turn looks for again and again.
CREATE INDEX notice_due ON notice (due_at) WHERE state IN ('settling', 'waiting');
CREATE INDEX message_ready ON message (lane, urgency, not_before) WHERE state = 'ready';
CREATE INDEX message_under_way ON message (lane, not_before) WHERE state IN ('sending', 'in_doubt', 'accepted');
CREATE INDEX receipt_unmatched ON receipt (received_at) WHERE matched_at IS NULL;
CREATE INDEX ledger_dirty ON ledger (id) WHERE dirty = 1;
