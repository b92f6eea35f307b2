-- The rules of the family: what is held, by which policy, and in which week somebody must have heard.

-- The week, by the ISO calendar, in which the family should have heard of it: the one whose sheets
-- come next.
ALTER TABLE notice ADD COLUMN week TEXT;
CREATE INDEX notice_by_week ON notice (week, student_id);
-- What it came with: an import, or one class's ten minutes.
ALTER TABLE notice ADD COLUMN burst TEXT;
CREATE INDEX notice_by_burst ON notice (burst, seen_at);
CREATE INDEX notice_by_hold ON notice (hold_id) WHERE hold_id IS NOT NULL;

-- What is decided together.
ALTER TABLE hold ADD COLUMN burst TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX hold_open ON hold (kind, burst) WHERE decided_at IS NULL;

-- The ledger is read from notices, messages and sheets: a copy of it could only be wrong.
DROP TABLE ledger;

DROP TABLE policy_version;
-- Which rules held from when.
CREATE TABLE policy_version (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    school_id BIGINT NOT NULL DEFAULT 1 REFERENCES school (id),
    name TEXT NOT NULL,
    content TEXT NOT NULL,
    valid_from BIGINT NOT NULL
);

DROP TABLE instance;
-- The machines that send from this database. Each keeps its epoch in a file as well: a database that
-- is older than the file is a restored copy.
CREATE TABLE instance (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    machine TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    CONSTRAINT instance_is_one_a_machine UNIQUE (machine)
);

-- The ladder. Since when a lane is out of order; empty while its provider takes what it is given.
ALTER TABLE lane ADD COLUMN rests_since BIGINT;
CREATE INDEX message_by_provider_ref ON message (lane, provider_ref) WHERE provider_ref IS NOT NULL;
-- An address that a person corrected or verified is tried again.
CREATE FUNCTION heal_contact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.health = OLD.health AND NEW.health <> 'ok' AND (NEW.address <> OLD.address
        OR (NEW.health <> 'complained' AND NEW.verified_at IS NOT NULL
            AND NEW.verified_at IS DISTINCT FROM OLD.verified_at)) THEN
        NEW.health := 'ok';
        NEW.health_reason := 'verified';
        NEW.health_at := NULL;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER contact_heals BEFORE UPDATE OF address, verified_at ON contact
    FOR EACH ROW EXECUTE FUNCTION heal_contact();

-- What is added to a message that showed what is not right any more, on channels that can replace it.
CREATE TABLE amendment (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id BIGINT NOT NULL REFERENCES message (id),
    earlier_id BIGINT NOT NULL REFERENCES message (id),
    note TEXT NOT NULL,
    CONSTRAINT amendment_is_one_a_message UNIQUE (message_id, earlier_id)
);
CREATE INDEX amendment_by_earlier ON amendment (earlier_id);
-- How many messages an address had today, for the daily cap.
CREATE INDEX message_by_day ON message (address, composed_at);
-- The ledger: what was said of a student in a week, and on which sheet.
CREATE INDEX notice_by_student ON notice (student_id, seen_at);
CREATE INDEX sheet_by_message ON sheet (message_id);
CREATE INDEX sheet_by_week ON sheet (week);
