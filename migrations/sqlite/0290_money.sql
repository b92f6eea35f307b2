-- Money: what messages cost, in kopecks, and what was paid for them in each month.

-- What a message costs by the account that it was composed for.
ALTER TABLE message ADD COLUMN cost BIGINT NOT NULL DEFAULT 0;

-- What was paid for messages, by account and month of the school's calendar. Nothing has been written here before.
DROP TABLE spending;
CREATE TABLE spending (
    id INTEGER PRIMARY KEY,
    lane TEXT NOT NULL,
    month TEXT NOT NULL,
    parts BIGINT NOT NULL DEFAULT 0,
    cost BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT spending_is_one_a_month UNIQUE (lane, month)
);

-- What a call was charged for, and in which month; taken back where the provider did not take the message.
ALTER TABLE attempt ADD COLUMN parts BIGINT NOT NULL DEFAULT 0;
ALTER TABLE attempt ADD COLUMN cost BIGINT NOT NULL DEFAULT 0;
ALTER TABLE attempt ADD COLUMN spending_id BIGINT REFERENCES spending (id);
