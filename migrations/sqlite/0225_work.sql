-- What each turn asks first: which doubts and receipts have waited long enough. The older index covered
-- one state more, so that on SQLite no question for these two, nor for that one, could use it.
DROP INDEX message_under_way;
CREATE INDEX message_followed ON message (not_before, lane) WHERE state IN ('in_doubt', 'accepted');
CREATE INDEX message_sending ON message (lane) WHERE state = 'sending';
