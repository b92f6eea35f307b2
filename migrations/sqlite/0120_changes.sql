-- A change is a hint to look: a journal or family row appeared, changed or went. It is written in the
-- writer's own transaction, so a row that is committed cannot go unnoticed, whoever wrote it.
CREATE TABLE change (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    entity TEXT NOT NULL,       -- the table
    entity_id BIGINT NOT NULL,  -- the row's id
    op TEXT NOT NULL,
    old TEXT,                   -- JSON object of the row's columns before
    new TEXT,                   -- and after
    import_id BIGINT,           -- the import that wrote it, if one did
    written_at BIGINT NOT NULL, -- the writer's clock; measures the lag and nothing else
    seen_at BIGINT,             -- the engine's clock; settling runs from here
    planned_at BIGINT,
    outcome TEXT,               -- JSON: what became of it for each recipient
    CONSTRAINT change_op_is_known CHECK (op IN ('insert', 'update', 'delete', 'recheck'))
);
-- What is to be planned is found by its state, never by «id > last»: ids are given before commits.
CREATE INDEX change_unplanned ON change (id) WHERE planned_at IS NULL;
CREATE INDEX change_of_row ON change (entity, entity_id);

-- A loader inserts one row first and deletes it last in its own transaction. Nobody else ever sees
-- it. While baseline is 1 its writes are what everybody is taken to know, and make no changes.
CREATE TABLE writing (
    import_id BIGINT,
    baseline BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT writing_baseline_is_0_or_1 CHECK (baseline IN (0, 1))
);
