-- Two gateways: what a call says against its account, by failover.rs, and how each account stands.

-- «call» where it failed perhaps for this phone alone, «lane» where anybody's would have failed; empty where
-- nothing speaks against the account.
ALTER TABLE attempt ADD COLUMN blames TEXT CONSTRAINT attempt_blames_is_known CHECK (blames IN ('call', 'lane'));
-- The newest calls of an account.
CREATE INDEX attempt_by_lane ON attempt (lane, id);

ALTER TABLE lane ADD COLUMN standing TEXT NOT NULL DEFAULT 'healthy'
    CONSTRAINT lane_standing_is_known CHECK (standing IN ('healthy', 'suspect', 'trial', 'down'));
ALTER TABLE lane ADD COLUMN standing_since BIGINT NOT NULL DEFAULT 0;
ALTER TABLE lane ADD COLUMN standing_because TEXT
    CONSTRAINT lane_standing_because_is_known CHECK (standing_because IN ('outage', 'errors', 'rests', 'late'));
-- How often it fell, each time within a day of the last.
ALTER TABLE lane ADD COLUMN falls BIGINT NOT NULL DEFAULT 0;
-- How many questions in a row it has answered while it was down, and when it was asked last.
ALTER TABLE lane ADD COLUMN probes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE lane ADD COLUMN probed_at BIGINT NOT NULL DEFAULT 0;
