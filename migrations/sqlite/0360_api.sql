-- The first draft was never written to.
DROP TABLE api_token;

-- Programs that may use the API: only the hash of each token is kept.
CREATE TABLE api_token (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    -- Scopes by their codes, parted by blanks.
    scopes TEXT NOT NULL,
    added_at BIGINT NOT NULL,
    ended_at BIGINT,
    CONSTRAINT api_token_is_unique UNIQUE (token_hash)
);

-- What a program has sent already, by the key that it gave: sent twice it is written once.
CREATE TABLE ingested (
    id INTEGER PRIMARY KEY,
    token_id BIGINT NOT NULL REFERENCES api_token (id),
    batch_key TEXT NOT NULL,
    body_hash TEXT NOT NULL,
    answer TEXT NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT ingested_key_is_used_once UNIQUE (token_id, batch_key)
);

-- What the metrics ask: the calls that ended since the last scrape.
CREATE INDEX attempt_by_end ON attempt (finished_at) WHERE finished_at IS NOT NULL;

-- What somebody has to look at, from when until when.
CREATE TABLE alarm (
    id INTEGER PRIMARY KEY,
    code TEXT NOT NULL,
    began_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE UNIQUE INDEX alarm_lasts_once ON alarm (code) WHERE ended_at IS NULL;
CREATE INDEX alarm_by_code ON alarm (code, id);

-- What a family ticked on a slip is answered on its next sheet: when that was printed.
ALTER TABLE inquiry ADD COLUMN told_at BIGINT;

-- Whether the pages of a run were mailed to the school's office, and when that was tried last.
ALTER TABLE print_run ADD COLUMN office_state TEXT;
ALTER TABLE print_run ADD COLUMN office_tried_at BIGINT;
