-- What a word to many asks, and the files that come with it.

-- What can be answered, as a JSON array of texts; none where nothing is asked.
ALTER TABLE announcement ADD COLUMN answers TEXT;

-- What a guardian answered for a student; the last word counts.
CREATE TABLE poll_answer (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    announcement_id BIGINT NOT NULL REFERENCES announcement (id),
    guardian_id BIGINT NOT NULL REFERENCES guardian (id),
    student_id BIGINT NOT NULL REFERENCES student (id),
    number BIGINT NOT NULL,
    channel TEXT NOT NULL,
    entered_by BIGINT REFERENCES staff (id),
    at BIGINT NOT NULL,
    CONSTRAINT poll_answer_is_one UNIQUE (announcement_id, guardian_id, student_id)
);

-- The content of files, each once, by the hash that attachments name it by.
CREATE TABLE file (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sha256 TEXT NOT NULL,
    content BYTEA NOT NULL,
    stored_at BIGINT NOT NULL,
    CONSTRAINT file_is_stored_once UNIQUE (sha256)
);
CREATE INDEX attachment_by_announcement ON attachment (announcement_id);
