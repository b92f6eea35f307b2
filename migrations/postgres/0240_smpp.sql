-- What providers say by themselves: receipts that name a part of a text, and texts from phones.

DROP TABLE message_part;
-- A part of a text that left in several, under the name that the provider gave it. Each attempt has its
-- own; a part without a name was refused, or nobody knows whether it was taken.
CREATE TABLE message_part (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id BIGINT NOT NULL REFERENCES message (id),
    attempt_id BIGINT NOT NULL REFERENCES attempt (id),
    number BIGINT NOT NULL,
    provider_ref TEXT,
    reports BIGINT NOT NULL,
    state TEXT NOT NULL DEFAULT 'under_way',
    state_at BIGINT NOT NULL,
    CONSTRAINT message_part_reports_is_0_or_1 CHECK (reports IN (0, 1)),
    CONSTRAINT message_part_state_is_known CHECK (state IN ('under_way', 'delivered', 'undelivered')),
    CONSTRAINT message_part_is_numbered_once UNIQUE (attempt_id, number)
);
CREATE INDEX message_part_by_message ON message_part (message_id);

-- The ways in which the answer to a call may have written the name in a receipt, with a space before and
-- behind each; and the address that the receipt is about.
ALTER TABLE receipt ADD COLUMN spellings TEXT;
ALTER TABLE receipt ADD COLUMN address TEXT;

-- A text from a phone that the school must act on. What nobody waits for is not kept.
CREATE TABLE incoming (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lane TEXT NOT NULL,
    address TEXT NOT NULL,
    text TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    settled_at BIGINT
);
CREATE INDEX incoming_open ON incoming (received_at) WHERE settled_at IS NULL;
