-- Who answers for a student, how they are reached, and what they agreed to.

-- A person who answers for students. staff_id and student_id name the same human.
CREATE TABLE guardian (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source_key TEXT,
    school_id BIGINT NOT NULL DEFAULT 1 REFERENCES school (id),
    staff_id BIGINT REFERENCES staff (id),
    student_id BIGINT REFERENCES student (id),
    surname TEXT NOT NULL,
    given_name TEXT NOT NULL,
    patronymic TEXT,
    salutation TEXT,
    gender TEXT,
    language TEXT,
    large_print BIGINT NOT NULL DEFAULT 0,
    plain BIGINT NOT NULL DEFAULT 0,
    preset TEXT,
    quiet TEXT,
    paused_to TEXT,
    CONSTRAINT guardian_source_key_is_unique UNIQUE (source_key),
    CONSTRAINT guardian_gender_is_known CHECK (gender IN ('female', 'male')),
    CONSTRAINT guardian_large_print_is_0_or_1 CHECK (large_print IN (0, 1)),
    CONSTRAINT guardian_plain_is_0_or_1 CHECK (plain IN (0, 1)),
    CONSTRAINT guardian_preset_is_known CHECK (preset IN ('important', 'daily', 'at_once', 'paper')),
    CONSTRAINT guardian_paused_to_is_yyyy_mm_dd CHECK (paused_to LIKE '____-__-__')
);

-- That a guardian answers for a student. Rights stand apart from the relation; homes that are equal share one sheet.
CREATE TABLE guardianship (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    guardian_id BIGINT NOT NULL REFERENCES guardian (id),
    student_id BIGINT NOT NULL REFERENCES student (id),
    relation TEXT NOT NULL DEFAULT 'other',
    rights TEXT NOT NULL DEFAULT 'full',
    priority BIGINT NOT NULL DEFAULT 1,
    home TEXT,
    restricted_from TEXT,
    restricted_to TEXT,
    document TEXT,
    CONSTRAINT guardianship_relation_is_known CHECK (relation IN ('mother', 'father', 'adoptive', 'guardian', 'trustee', 'tutor', 'self', 'other')),
    CONSTRAINT guardianship_rights_is_known CHECK (rights IN ('full', 'informed_only', 'deprived')),
    CONSTRAINT guardianship_restricted_from_is_yyyy_mm_dd CHECK (restricted_from LIKE '____-__-__'),
    CONSTRAINT guardianship_restricted_to_is_yyyy_mm_dd CHECK (restricted_to LIKE '____-__-__'),
    CONSTRAINT guardianship_is_one_a_pair UNIQUE (guardian_id, student_id)
);
CREATE INDEX guardianship_by_student ON guardianship (student_id);

-- An address of one guardian or one member of staff.
CREATE TABLE contact (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    guardian_id BIGINT REFERENCES guardian (id),
    staff_id BIGINT REFERENCES staff (id),
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    address_hash TEXT,
    rank BIGINT NOT NULL DEFAULT 1,
    source TEXT,
    document TEXT,
    verified_at BIGINT,
    health TEXT NOT NULL DEFAULT 'ok',
    health_reason TEXT,
    health_at BIGINT,
    ended_at BIGINT,
    CONSTRAINT contact_channel_is_known CHECK (channel IN ('sms', 'email', 'telegram', 'max', 'viber', 'paper', 'call')),
    CONSTRAINT contact_health_is_known CHECK (health IN ('ok', 'soft', 'hard', 'blocked', 'complained')),
    CONSTRAINT contact_has_one_owner CHECK ((guardian_id IS NULL) <> (staff_id IS NULL)),
    CONSTRAINT guardians_contact_is_known_once UNIQUE (guardian_id, channel, address),
    CONSTRAINT staffs_contact_is_known_once UNIQUE (staff_id, channel, address)
);
CREATE INDEX contact_by_address ON contact (address_hash);

-- The consent register: append-only, the newest row wins (regulation 002 §2.1).
CREATE TABLE consent (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    guardian_id BIGINT NOT NULL REFERENCES guardian (id),
    student_id BIGINT NOT NULL REFERENCES student (id),
    purpose TEXT NOT NULL,
    state TEXT NOT NULL,
    route TEXT,
    text_version TEXT,
    contact_id BIGINT REFERENCES contact (id),
    document TEXT,
    signed_on TEXT,
    recorded_by BIGINT REFERENCES staff (id),
    recorded_at BIGINT,
    CONSTRAINT consent_purpose_is_known CHECK (purpose IN ('data', 'sms', 'email', 'messenger')),
    CONSTRAINT consent_state_is_known CHECK (state IN ('given', 'refused', 'withdrawn')),
    CONSTRAINT consent_signed_on_is_yyyy_mm_dd CHECK (signed_on LIKE '____-__-__')
);
CREATE INDEX consent_by_pair ON consent (guardian_id, student_id, purpose);

-- Whether a family is served electronically or on paper, and on what ground.
CREATE TABLE service_mode (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    guardian_id BIGINT NOT NULL REFERENCES guardian (id),
    student_id BIGINT NOT NULL REFERENCES student (id),
    mode TEXT NOT NULL,
    ground TEXT,
    statement TEXT,
    from_on TEXT,
    to_on TEXT,
    CONSTRAINT service_mode_mode_is_known CHECK (mode IN ('electronic', 'paper')),
    CONSTRAINT service_mode_ground_is_known CHECK (ground IN ('refused', 'no_access', 'no_consent', 'unreachable', 'chosen')),
    CONSTRAINT service_mode_from_on_is_yyyy_mm_dd CHECK (from_on LIKE '____-__-__'),
    CONSTRAINT service_mode_to_on_is_yyyy_mm_dd CHECK (to_on LIKE '____-__-__')
);
CREATE INDEX service_mode_by_guardian ON service_mode (guardian_id);

-- A line of a family's own matrix.
CREATE TABLE preference (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    guardian_id BIGINT NOT NULL REFERENCES guardian (id),
    event TEXT NOT NULL DEFAULT '*',
    channel TEXT NOT NULL,
    timing TEXT NOT NULL,
    CONSTRAINT preference_event_is_known CHECK (event IN ('*', 'mark', 'mark_corrected', 'mark_withdrawn', 'absence', 'lateness', 'attendance_corrected', 'homework', 'remark', 'praise', 'appeal', 'achievement', 'forecast', 'preliminary', 'term_result', 'exam', 'schedule_change', 'test', 'class_event', 'announcement', 'service', 'urgent')),
    CONSTRAINT preference_channel_is_known CHECK (channel IN ('sms', 'email', 'telegram', 'max', 'viber', 'paper', 'call')),
    CONSTRAINT preference_timing_is_known CHECK (timing IN ('at_once', 'daily', 'weekly', 'never')),
    CONSTRAINT preference_is_one_a_channel UNIQUE (guardian_id, event, channel)
);
