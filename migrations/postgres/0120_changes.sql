-- A change is a hint to look: a journal or family row appeared, changed or went. It is written in the
-- writer's own transaction, so a row that is committed cannot go unnoticed, whoever wrote it.
CREATE TABLE change (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
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

-- One function for all tables. Addresses stay out: the log of changes must not multiply them.
CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before JSONB := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) - 'address' - 'address_hash' END;
    after JSONB := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) - 'address' - 'address_hash' END;
BEGIN
    IF TG_OP = 'UPDATE' AND OLD IS NOT DISTINCT FROM NEW THEN
        RETURN NULL;
    END IF;
    IF EXISTS (SELECT 1 FROM writing WHERE baseline = 1) THEN
        RETURN NULL;
    END IF;
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        TG_TABLE_NAME,
        CAST(COALESCE(after, before) ->> 'id' AS BIGINT),
        lower(TG_OP),
        CAST(before AS TEXT),
        CAST(after AS TEXT),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)
    );
    -- Equal notifications of one transaction are folded into one.
    PERFORM pg_notify('vestnik_change', '');
    RETURN NULL;
END
$$;

-- TRUNCATE fires no row triggers: the changes would be lost.
CREATE FUNCTION refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'TRUNCATE would go unnoticed: use DELETE FROM %', TG_TABLE_NAME;
END
$$;

CREATE TRIGGER subgroup_member_changes AFTER INSERT OR UPDATE OR DELETE ON subgroup_member
    FOR EACH ROW EXECUTE FUNCTION note_change();
CREATE TRIGGER subgroup_member_is_not_truncated BEFORE TRUNCATE ON subgroup_member
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER enrolment_changes AFTER INSERT OR UPDATE OR DELETE ON enrolment
    FOR EACH ROW EXECUTE FUNCTION note_change();
CREATE TRIGGER enrolment_is_not_truncated BEFORE TRUNCATE ON enrolment
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER lesson_changes AFTER INSERT OR UPDATE OR DELETE ON lesson
    FOR EACH ROW EXECUTE FUNCTION note_change();
CREATE TRIGGER lesson_is_not_truncated BEFORE TRUNCATE ON lesson
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER mark_changes AFTER INSERT OR UPDATE OR DELETE ON mark
    FOR EACH ROW EXECUTE FUNCTION note_change();
CREATE TRIGGER mark_is_not_truncated BEFORE TRUNCATE ON mark
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER attendance_changes AFTER INSERT OR UPDATE OR DELETE ON attendance
    FOR EACH ROW EXECUTE FUNCTION note_change();
CREATE TRIGGER attendance_is_not_truncated BEFORE TRUNCATE ON attendance
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER homework_changes AFTER INSERT OR UPDATE OR DELETE ON homework
    FOR EACH ROW EXECUTE FUNCTION note_change();
CREATE TRIGGER homework_is_not_truncated BEFORE TRUNCATE ON homework
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER remark_changes AFTER INSERT OR UPDATE OR DELETE ON remark
    FOR EACH ROW EXECUTE FUNCTION note_change();
CREATE TRIGGER remark_is_not_truncated BEFORE TRUNCATE ON remark
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER term_result_changes AFTER INSERT OR UPDATE OR DELETE ON term_result
    FOR EACH ROW EXECUTE FUNCTION note_change();
CREATE TRIGGER term_result_is_not_truncated BEFORE TRUNCATE ON term_result
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER test_plan_changes AFTER INSERT OR UPDATE OR DELETE ON test_plan
    FOR EACH ROW EXECUTE FUNCTION note_change();
CREATE TRIGGER test_plan_is_not_truncated BEFORE TRUNCATE ON test_plan
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER class_event_changes AFTER INSERT OR UPDATE OR DELETE ON class_event
    FOR EACH ROW EXECUTE FUNCTION note_change();
CREATE TRIGGER class_event_is_not_truncated BEFORE TRUNCATE ON class_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER announcement_changes AFTER INSERT OR UPDATE OR DELETE ON announcement
    FOR EACH ROW EXECUTE FUNCTION note_change();
CREATE TRIGGER announcement_is_not_truncated BEFORE TRUNCATE ON announcement
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER guardian_changes AFTER INSERT OR UPDATE OR DELETE ON guardian
    FOR EACH ROW EXECUTE FUNCTION note_change();
CREATE TRIGGER guardian_is_not_truncated BEFORE TRUNCATE ON guardian
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER guardianship_changes AFTER INSERT OR UPDATE OR DELETE ON guardianship
    FOR EACH ROW EXECUTE FUNCTION note_change();
CREATE TRIGGER guardianship_is_not_truncated BEFORE TRUNCATE ON guardianship
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER contact_changes AFTER INSERT OR UPDATE OR DELETE ON contact
    FOR EACH ROW EXECUTE FUNCTION note_change();
CREATE TRIGGER contact_is_not_truncated BEFORE TRUNCATE ON contact
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER consent_changes AFTER INSERT OR UPDATE OR DELETE ON consent
    FOR EACH ROW EXECUTE FUNCTION note_change();
CREATE TRIGGER consent_is_not_truncated BEFORE TRUNCATE ON consent
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER service_mode_changes AFTER INSERT OR UPDATE OR DELETE ON service_mode
    FOR EACH ROW EXECUTE FUNCTION note_change();
CREATE TRIGGER service_mode_is_not_truncated BEFORE TRUNCATE ON service_mode
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER preference_changes AFTER INSERT OR UPDATE OR DELETE ON preference
    FOR EACH ROW EXECUTE FUNCTION note_change();
CREATE TRIGGER preference_is_not_truncated BEFORE TRUNCATE ON preference
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();

-- Who consented to what, and when, must stand as it was said.
CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the consent register is append-only: add a row with the new state';
END
$$;
CREATE TRIGGER consent_is_append_only BEFORE UPDATE OR DELETE ON consent
    FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
