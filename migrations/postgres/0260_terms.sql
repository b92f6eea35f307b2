-- What is still to be told keeps the change that it came from, however old.
CREATE INDEX notice_by_change ON notice (change_id) WHERE change_id IS NOT NULL;
