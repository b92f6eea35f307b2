-- What each turn asks first: which doubts and receipts have waited long enough. The older index covered
-- one state more, so that on SQLite no question for these two could use it. And whoever takes a lane looks
-- for the calls that another began there.
DROP INDEX message_under_way;
CREATE INDEX message_followed ON message (not_before, lane) WHERE state IN ('in_doubt', 'accepted');
CREATE INDEX attempt_open ON attempt (lane) WHERE finished_at IS NULL;
