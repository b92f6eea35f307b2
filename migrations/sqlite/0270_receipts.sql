-- A receipt finds the text that it is about by its address, and then the call or the part by its name;
-- without an address by the name alone.
CREATE INDEX attempt_by_message ON attempt (message_id, lane);
CREATE INDEX message_part_by_provider_ref ON message_part (provider_ref) WHERE provider_ref IS NOT NULL;
