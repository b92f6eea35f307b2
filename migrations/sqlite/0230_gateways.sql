-- What gateways say: answers that were not understood, receipts with their reasons, registered templates.

-- What a provider answered where it was not understood, for whoever mends its descriptor.
ALTER TABLE attempt ADD COLUMN answer TEXT;
CREATE INDEX attempt_not_understood ON attempt (lane) WHERE answer IS NOT NULL;
-- A receipt finds its message by the name that its provider gave it.
CREATE INDEX attempt_by_provider_ref ON attempt (lane, provider_ref) WHERE provider_ref IS NOT NULL;

-- Why it was not delivered: the provider's code, in words, and whose fault it is.
ALTER TABLE receipt ADD COLUMN code TEXT;
ALTER TABLE receipt ADD COLUMN detail TEXT;
ALTER TABLE receipt ADD COLUMN fault TEXT;
CREATE INDEX receipt_by_client_ref ON receipt (lane, client_ref);

-- Where the registration of an SMS skeleton stands with an operator. A text that was changed is another.
CREATE TABLE sms_template (
    id INTEGER PRIMARY KEY,
    operator TEXT NOT NULL,
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    state TEXT NOT NULL,
    state_at BIGINT NOT NULL,
    CONSTRAINT sms_template_is_one UNIQUE (operator, text),
    CONSTRAINT sms_template_state_is_known CHECK (state IN ('submitted', 'registered', 'revoked'))
);
