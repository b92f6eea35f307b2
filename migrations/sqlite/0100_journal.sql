-- The school and its calendar, classes, subjects and staff, and what teachers enter.

-- A school; most installations hold one, with id 1.
CREATE TABLE school (
    id INTEGER PRIMARY KEY,
    source_key TEXT,
    name TEXT NOT NULL,
    short_name TEXT,
    timezone TEXT NOT NULL DEFAULT 'Europe/Moscow',
    language TEXT NOT NULL DEFAULT 'ru',
    policy TEXT NOT NULL DEFAULT 'default',
    phone TEXT,
    director TEXT,
    CONSTRAINT school_source_key_is_unique UNIQUE (source_key)
);

-- A row that a second system knows under another key.
CREATE TABLE alias (
    id INTEGER PRIMARY KEY,
    entity TEXT NOT NULL,
    entity_id BIGINT NOT NULL,
    source_key TEXT NOT NULL,
    CONSTRAINT alias_key_is_known_once UNIQUE (entity, source_key)
);

-- A school year; while it is in setup nothing is sent to many.
CREATE TABLE school_year (
    id INTEGER PRIMARY KEY,
    school_id BIGINT NOT NULL DEFAULT 1 REFERENCES school (id),
    starts_on TEXT NOT NULL,
    ends_on TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'open',
    CONSTRAINT school_year_starts_on_is_yyyy_mm_dd CHECK (starts_on LIKE '____-__-__'),
    CONSTRAINT school_year_ends_on_is_yyyy_mm_dd CHECK (ends_on LIKE '____-__-__'),
    CONSTRAINT school_year_state_is_known CHECK (state IN ('setup', 'open', 'archived'))
);

-- A day that differs from the rule; grades without bounds mean all.
CREATE TABLE calendar_day (
    id INTEGER PRIMARY KEY,
    school_id BIGINT NOT NULL DEFAULT 1 REFERENCES school (id),
    date TEXT NOT NULL,
    grade_from BIGINT,
    grade_to BIGINT,
    kind TEXT NOT NULL DEFAULT 'study',
    note TEXT,
    CONSTRAINT calendar_day_date_is_yyyy_mm_dd CHECK (date LIKE '____-__-__'),
    CONSTRAINT calendar_day_kind_is_known CHECK (kind IN ('study', 'holiday', 'moved', 'short'))
);

-- A quarter, trimester, half-year, module or year; both kinds live side by side in one school.
CREATE TABLE term (
    id INTEGER PRIMARY KEY,
    source_key TEXT,
    school_id BIGINT NOT NULL DEFAULT 1 REFERENCES school (id),
    kind TEXT NOT NULL,
    number BIGINT NOT NULL DEFAULT 1,
    grade_from BIGINT,
    grade_to BIGINT,
    starts_on TEXT NOT NULL,
    ends_on TEXT NOT NULL,
    closed_at BIGINT,
    CONSTRAINT term_source_key_is_unique UNIQUE (source_key),
    CONSTRAINT term_kind_is_known CHECK (kind IN ('quarter', 'trimester', 'half_year', 'module', 'year')),
    CONSTRAINT term_starts_on_is_yyyy_mm_dd CHECK (starts_on LIKE '____-__-__'),
    CONSTRAINT term_ends_on_is_yyyy_mm_dd CHECK (ends_on LIKE '____-__-__')
);

-- A person who works at the school; ends by date.
CREATE TABLE staff (
    id INTEGER PRIMARY KEY,
    source_key TEXT,
    school_id BIGINT NOT NULL DEFAULT 1 REFERENCES school (id),
    surname TEXT NOT NULL,
    given_name TEXT NOT NULL,
    patronymic TEXT,
    role TEXT NOT NULL DEFAULT 'teacher',
    from_on TEXT,
    to_on TEXT,
    CONSTRAINT staff_source_key_is_unique UNIQUE (source_key),
    CONSTRAINT staff_role_is_known CHECK (role IN ('admin', 'director', 'deputy', 'class_teacher', 'teacher', 'tutor', 'secretary', 'psychologist')),
    CONSTRAINT staff_from_on_is_yyyy_mm_dd CHECK (from_on LIKE '____-__-__'),
    CONSTRAINT staff_to_on_is_yyyy_mm_dd CHECK (to_on LIKE '____-__-__')
);

-- A class of one school year.
CREATE TABLE class (
    id INTEGER PRIMARY KEY,
    source_key TEXT,
    school_id BIGINT NOT NULL DEFAULT 1 REFERENCES school (id),
    year_id BIGINT REFERENCES school_year (id),
    grade BIGINT NOT NULL,
    letter TEXT NOT NULL DEFAULT '',
    shift BIGINT NOT NULL DEFAULT 1,
    class_teacher_id BIGINT REFERENCES staff (id),
    CONSTRAINT class_source_key_is_unique UNIQUE (source_key),
    CONSTRAINT class_is_named_once_a_year UNIQUE (school_id, year_id, grade, letter),
    CONSTRAINT class_grade_is_1_to_12 CHECK (grade BETWEEN 1 AND 12)
);

-- When a lesson of a shift begins and ends.
CREATE TABLE bell (
    id INTEGER PRIMARY KEY,
    school_id BIGINT NOT NULL DEFAULT 1 REFERENCES school (id),
    shift BIGINT NOT NULL DEFAULT 1,
    weekday BIGINT,
    number BIGINT NOT NULL,
    starts_at TEXT NOT NULL,
    ends_at TEXT NOT NULL,
    CONSTRAINT bell_starts_at_is_hh_mm CHECK (starts_at LIKE '__:__'),
    CONSTRAINT bell_ends_at_is_hh_mm CHECK (ends_at LIKE '__:__')
);

-- What is taught. An ungraded subject knows attendance only.
CREATE TABLE subject (
    id INTEGER PRIMARY KEY,
    source_key TEXT,
    school_id BIGINT NOT NULL DEFAULT 1 REFERENCES school (id),
    name TEXT NOT NULL,
    short_name TEXT,
    graded BIGINT NOT NULL DEFAULT 1,
    position BIGINT,
    CONSTRAINT subject_source_key_is_unique UNIQUE (source_key),
    CONSTRAINT subject_graded_is_0_or_1 CHECK (graded IN (0, 1))
);

-- A part of a class, or a stream across classes where no class is named.
CREATE TABLE subgroup (
    id INTEGER PRIMARY KEY,
    source_key TEXT,
    school_id BIGINT NOT NULL DEFAULT 1 REFERENCES school (id),
    class_id BIGINT REFERENCES class (id),
    subject_id BIGINT REFERENCES subject (id),
    name TEXT NOT NULL,
    CONSTRAINT subgroup_source_key_is_unique UNIQUE (source_key)
);

-- Further roles of staff: teaching, delegation.
CREATE TABLE duty (
    id INTEGER PRIMARY KEY,
    staff_id BIGINT NOT NULL REFERENCES staff (id),
    role TEXT NOT NULL,
    class_id BIGINT REFERENCES class (id),
    subject_id BIGINT REFERENCES subject (id),
    from_on TEXT,
    to_on TEXT,
    granted_by BIGINT REFERENCES staff (id),
    CONSTRAINT duty_role_is_known CHECK (role IN ('admin', 'director', 'deputy', 'class_teacher', 'teacher', 'tutor', 'secretary', 'psychologist')),
    CONSTRAINT duty_from_on_is_yyyy_mm_dd CHECK (from_on LIKE '____-__-__'),
    CONSTRAINT duty_to_on_is_yyyy_mm_dd CHECK (to_on LIKE '____-__-__')
);

-- A student. The short name is the one that texts use.
CREATE TABLE student (
    id INTEGER PRIMARY KEY,
    source_key TEXT,
    school_id BIGINT NOT NULL DEFAULT 1 REFERENCES school (id),
    surname TEXT NOT NULL,
    given_name TEXT NOT NULL,
    patronymic TEXT,
    short_name TEXT,
    gender TEXT,
    birth_on TEXT,
    CONSTRAINT student_source_key_is_unique UNIQUE (source_key),
    CONSTRAINT student_gender_is_known CHECK (gender IN ('female', 'male')),
    CONSTRAINT student_birth_on_is_yyyy_mm_dd CHECK (birth_on LIKE '____-__-__')
);

-- Who sits in a subgroup, and when.
CREATE TABLE subgroup_member (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    subgroup_id BIGINT NOT NULL REFERENCES subgroup (id),
    student_id BIGINT NOT NULL REFERENCES student (id),
    from_on TEXT,
    to_on TEXT,
    CONSTRAINT subgroup_member_from_on_is_yyyy_mm_dd CHECK (from_on LIKE '____-__-__'),
    CONSTRAINT subgroup_member_to_on_is_yyyy_mm_dd CHECK (to_on LIKE '____-__-__')
);
CREATE INDEX subgroup_member_by_student ON subgroup_member (student_id);

-- Which class a student attends, and when. People end by dates, never by DELETE.
CREATE TABLE enrolment (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    student_id BIGINT NOT NULL REFERENCES student (id),
    class_id BIGINT NOT NULL REFERENCES class (id),
    number BIGINT,
    from_on TEXT,
    to_on TEXT,
    reason TEXT,
    CONSTRAINT enrolment_from_on_is_yyyy_mm_dd CHECK (from_on LIKE '____-__-__'),
    CONSTRAINT enrolment_to_on_is_yyyy_mm_dd CHECK (to_on LIKE '____-__-__')
);
CREATE INDEX enrolment_by_student ON enrolment (student_id);
CREATE INDEX enrolment_by_class ON enrolment (class_id);

-- A lesson as planned or held.
CREATE TABLE lesson (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source_key TEXT,
    class_id BIGINT REFERENCES class (id),
    subgroup_id BIGINT REFERENCES subgroup (id),
    subject_id BIGINT REFERENCES subject (id),
    date TEXT NOT NULL,
    number BIGINT,
    starts_at TEXT,
    ends_at TEXT,
    room TEXT,
    topic TEXT,
    teacher_id BIGINT REFERENCES staff (id),
    substitute_id BIGINT REFERENCES staff (id),
    state TEXT NOT NULL DEFAULT 'planned',
    moved_to TEXT,
    CONSTRAINT lesson_source_key_is_unique UNIQUE (source_key),
    CONSTRAINT lesson_date_is_yyyy_mm_dd CHECK (date LIKE '____-__-__'),
    CONSTRAINT lesson_starts_at_is_hh_mm CHECK (starts_at LIKE '__:__'),
    CONSTRAINT lesson_ends_at_is_hh_mm CHECK (ends_at LIKE '__:__'),
    CONSTRAINT lesson_state_is_known CHECK (state IN ('planned', 'held', 'moved', 'cancelled')),
    CONSTRAINT lesson_moved_to_is_yyyy_mm_dd CHECK (moved_to LIKE '____-__-__')
);
CREATE INDEX lesson_by_date ON lesson (date, class_id);

-- A mark exactly as the teacher entered it; «.» is a debt. The date is the lesson's.
CREATE TABLE mark (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source_key TEXT,
    student_id BIGINT NOT NULL REFERENCES student (id),
    subject_id BIGINT NOT NULL REFERENCES subject (id),
    lesson_id BIGINT REFERENCES lesson (id),
    date TEXT NOT NULL,
    position BIGINT NOT NULL DEFAULT 1,
    value TEXT NOT NULL,
    counts BIGINT NOT NULL DEFAULT 1,
    counted_as DOUBLE PRECISION,
    weight DOUBLE PRECISION NOT NULL DEFAULT 1,
    work_kind TEXT,
    comment TEXT,
    origin TEXT,
    document TEXT,
    entered_by BIGINT REFERENCES staff (id),
    entered_at BIGINT,
    CONSTRAINT mark_source_key_is_unique UNIQUE (source_key),
    CONSTRAINT mark_date_is_yyyy_mm_dd CHECK (date LIKE '____-__-__'),
    CONSTRAINT mark_counts_is_0_or_1 CHECK (counts IN (0, 1))
);
CREATE INDEX mark_by_cell ON mark (student_id, subject_id, date);

-- What became of a student in a lesson.
CREATE TABLE attendance (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source_key TEXT,
    student_id BIGINT NOT NULL REFERENCES student (id),
    lesson_id BIGINT REFERENCES lesson (id),
    date TEXT NOT NULL,
    number BIGINT NOT NULL DEFAULT 0,
    code TEXT NOT NULL,
    letter TEXT,
    minutes_late BIGINT,
    entered_by BIGINT REFERENCES staff (id),
    entered_at BIGINT,
    CONSTRAINT attendance_source_key_is_unique UNIQUE (source_key),
    CONSTRAINT attendance_date_is_yyyy_mm_dd CHECK (date LIKE '____-__-__'),
    CONSTRAINT attendance_code_is_known CHECK (code IN ('absent', 'ill', 'excused', 'unexcused', 'late', 'exempt')),
    CONSTRAINT attendance_is_one_a_lesson UNIQUE (student_id, date, number)
);

-- Homework for exactly one audience. Links are a JSON array.
CREATE TABLE homework (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source_key TEXT,
    class_id BIGINT REFERENCES class (id),
    subgroup_id BIGINT REFERENCES subgroup (id),
    student_id BIGINT REFERENCES student (id),
    lesson_id BIGINT REFERENCES lesson (id),
    subject_id BIGINT NOT NULL REFERENCES subject (id),
    assigned_on TEXT,
    due_on TEXT,
    text TEXT NOT NULL,
    links TEXT,
    entered_by BIGINT REFERENCES staff (id),
    entered_at BIGINT,
    CONSTRAINT homework_source_key_is_unique UNIQUE (source_key),
    CONSTRAINT homework_assigned_on_is_yyyy_mm_dd CHECK (assigned_on LIKE '____-__-__'),
    CONSTRAINT homework_due_on_is_yyyy_mm_dd CHECK (due_on LIKE '____-__-__'),
    CONSTRAINT homework_has_one_audience CHECK ((CASE WHEN class_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN subgroup_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN student_id IS NULL THEN 0 ELSE 1 END) = 1)
);
CREATE INDEX homework_by_due_day ON homework (due_on);

-- A word about a student; parents hear it only with the tick (regulation 000 §2.5.11).
CREATE TABLE remark (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source_key TEXT,
    student_id BIGINT NOT NULL REFERENCES student (id),
    lesson_id BIGINT REFERENCES lesson (id),
    date TEXT NOT NULL,
    kind TEXT NOT NULL DEFAULT 'remark',
    text TEXT NOT NULL,
    notify_parents BIGINT NOT NULL DEFAULT 0,
    author_id BIGINT REFERENCES staff (id),
    entered_at BIGINT,
    CONSTRAINT remark_source_key_is_unique UNIQUE (source_key),
    CONSTRAINT remark_date_is_yyyy_mm_dd CHECK (date LIKE '____-__-__'),
    CONSTRAINT remark_kind_is_known CHECK (kind IN ('remark', 'praise', 'appeal', 'achievement')),
    CONSTRAINT remark_notify_parents_is_0_or_1 CHECK (notify_parents IN (0, 1))
);
CREATE INDEX remark_by_student ON remark (student_id, date);

-- The result of a term in a subject.
CREATE TABLE term_result (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source_key TEXT,
    student_id BIGINT NOT NULL REFERENCES student (id),
    subject_id BIGINT NOT NULL REFERENCES subject (id),
    term_id BIGINT NOT NULL REFERENCES term (id),
    stage TEXT NOT NULL DEFAULT 'final',
    value TEXT,
    status TEXT NOT NULL DEFAULT 'set',
    deferred_to TEXT,
    received_at BIGINT,
    entered_by BIGINT REFERENCES staff (id),
    entered_at BIGINT,
    CONSTRAINT term_result_source_key_is_unique UNIQUE (source_key),
    CONSTRAINT term_result_stage_is_known CHECK (stage IN ('forecast', 'preliminary', 'final', 'exam')),
    CONSTRAINT term_result_status_is_known CHECK (status IN ('set', 'deferred', 'not_certified', 'pending')),
    CONSTRAINT term_result_deferred_to_is_yyyy_mm_dd CHECK (deferred_to LIKE '____-__-__'),
    CONSTRAINT term_result_is_one_a_stage UNIQUE (student_id, subject_id, term_id, stage)
);

-- A test that is announced.
CREATE TABLE test_plan (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source_key TEXT,
    class_id BIGINT REFERENCES class (id),
    subgroup_id BIGINT REFERENCES subgroup (id),
    subject_id BIGINT NOT NULL REFERENCES subject (id),
    date TEXT NOT NULL,
    kind TEXT,
    CONSTRAINT test_plan_source_key_is_unique UNIQUE (source_key),
    CONSTRAINT test_plan_date_is_yyyy_mm_dd CHECK (date LIKE '____-__-__')
);

-- A meeting, an excursion, a form period.
CREATE TABLE class_event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source_key TEXT,
    school_id BIGINT NOT NULL DEFAULT 1 REFERENCES school (id),
    class_id BIGINT REFERENCES class (id),
    date TEXT NOT NULL,
    starts_at TEXT,
    place TEXT,
    text TEXT NOT NULL,
    CONSTRAINT class_event_source_key_is_unique UNIQUE (source_key),
    CONSTRAINT class_event_date_is_yyyy_mm_dd CHECK (date LIKE '____-__-__'),
    CONSTRAINT class_event_starts_at_is_hh_mm CHECK (starts_at LIKE '__:__')
);

-- A word to many; without a class it is for the school.
CREATE TABLE announcement (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source_key TEXT,
    school_id BIGINT NOT NULL DEFAULT 1 REFERENCES school (id),
    class_id BIGINT REFERENCES class (id),
    author_id BIGINT REFERENCES staff (id),
    title TEXT,
    text TEXT NOT NULL,
    sms_text TEXT,
    urgency TEXT NOT NULL DEFAULT 'normal',
    confirm TEXT NOT NULL DEFAULT 'none',
    state TEXT NOT NULL DEFAULT 'ready',
    send_at BIGINT,
    valid_to BIGINT,
    cancelled_at BIGINT,
    CONSTRAINT announcement_source_key_is_unique UNIQUE (source_key),
    CONSTRAINT announcement_urgency_is_known CHECK (urgency IN ('normal', 'urgent')),
    CONSTRAINT announcement_confirm_is_known CHECK (confirm IN ('none', 'one', 'both')),
    CONSTRAINT announcement_state_is_known CHECK (state IN ('draft', 'ready', 'cancelled'))
);

-- Whom an announcement is for, where not for its whole class.
CREATE TABLE announcement_audience (
    id INTEGER PRIMARY KEY,
    announcement_id BIGINT NOT NULL REFERENCES announcement (id),
    class_id BIGINT REFERENCES class (id),
    subgroup_id BIGINT REFERENCES subgroup (id),
    student_id BIGINT REFERENCES student (id)
);

-- A file of an announcement, named by its content.
CREATE TABLE attachment (
    id INTEGER PRIMARY KEY,
    announcement_id BIGINT NOT NULL REFERENCES announcement (id),
    name TEXT NOT NULL,
    mime TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    bytes BIGINT NOT NULL
);
