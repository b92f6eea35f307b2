-- Trigger bodies run inside whatever SQLite the writer brings: nothing here is newer than 3.31 with
-- JSON1. Addresses stay out: the log of changes must not multiply them.

-- test_plan
CREATE TRIGGER test_plan_insert_changes AFTER INSERT ON test_plan
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'test_plan', NEW.id, 'insert',
        NULL,
        json_object(
            'id', NEW.id, 'source_key', NEW.source_key, 'class_id', NEW.class_id,
            'subgroup_id', NEW.subgroup_id, 'subject_id', NEW.subject_id, 'date', NEW.date,
            'kind', NEW.kind
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER test_plan_update_changes AFTER UPDATE ON test_plan
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1) AND (
        NEW.id IS NOT OLD.id OR NEW.source_key IS NOT OLD.source_key
        OR NEW.class_id IS NOT OLD.class_id OR NEW.subgroup_id IS NOT OLD.subgroup_id
        OR NEW.subject_id IS NOT OLD.subject_id OR NEW.date IS NOT OLD.date
        OR NEW.kind IS NOT OLD.kind
    )
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'test_plan', NEW.id, 'update',
        json_object(
            'id', OLD.id, 'source_key', OLD.source_key, 'class_id', OLD.class_id,
            'subgroup_id', OLD.subgroup_id, 'subject_id', OLD.subject_id, 'date', OLD.date,
            'kind', OLD.kind
        ),
        json_object(
            'id', NEW.id, 'source_key', NEW.source_key, 'class_id', NEW.class_id,
            'subgroup_id', NEW.subgroup_id, 'subject_id', NEW.subject_id, 'date', NEW.date,
            'kind', NEW.kind
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER test_plan_delete_changes AFTER DELETE ON test_plan
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'test_plan', OLD.id, 'delete',
        json_object(
            'id', OLD.id, 'source_key', OLD.source_key, 'class_id', OLD.class_id,
            'subgroup_id', OLD.subgroup_id, 'subject_id', OLD.subject_id, 'date', OLD.date,
            'kind', OLD.kind
        ),
        NULL,
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;

-- class_event
CREATE TRIGGER class_event_insert_changes AFTER INSERT ON class_event
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'class_event', NEW.id, 'insert',
        NULL,
        json_object(
            'id', NEW.id, 'source_key', NEW.source_key, 'school_id', NEW.school_id,
            'class_id', NEW.class_id, 'date', NEW.date, 'starts_at', NEW.starts_at,
            'place', NEW.place, 'text', NEW.text
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER class_event_update_changes AFTER UPDATE ON class_event
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1) AND (
        NEW.id IS NOT OLD.id OR NEW.source_key IS NOT OLD.source_key
        OR NEW.school_id IS NOT OLD.school_id OR NEW.class_id IS NOT OLD.class_id
        OR NEW.date IS NOT OLD.date OR NEW.starts_at IS NOT OLD.starts_at
        OR NEW.place IS NOT OLD.place OR NEW.text IS NOT OLD.text
    )
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'class_event', NEW.id, 'update',
        json_object(
            'id', OLD.id, 'source_key', OLD.source_key, 'school_id', OLD.school_id,
            'class_id', OLD.class_id, 'date', OLD.date, 'starts_at', OLD.starts_at,
            'place', OLD.place, 'text', OLD.text
        ),
        json_object(
            'id', NEW.id, 'source_key', NEW.source_key, 'school_id', NEW.school_id,
            'class_id', NEW.class_id, 'date', NEW.date, 'starts_at', NEW.starts_at,
            'place', NEW.place, 'text', NEW.text
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER class_event_delete_changes AFTER DELETE ON class_event
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'class_event', OLD.id, 'delete',
        json_object(
            'id', OLD.id, 'source_key', OLD.source_key, 'school_id', OLD.school_id,
            'class_id', OLD.class_id, 'date', OLD.date, 'starts_at', OLD.starts_at,
            'place', OLD.place, 'text', OLD.text
        ),
        NULL,
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;

-- announcement
CREATE TRIGGER announcement_insert_changes AFTER INSERT ON announcement
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'announcement', NEW.id, 'insert',
        NULL,
        json_object(
            'id', NEW.id, 'source_key', NEW.source_key, 'school_id', NEW.school_id,
            'class_id', NEW.class_id, 'author_id', NEW.author_id, 'title', NEW.title,
            'text', NEW.text, 'sms_text', NEW.sms_text, 'urgency', NEW.urgency,
            'confirm', NEW.confirm, 'state', NEW.state, 'send_at', NEW.send_at,
            'valid_to', NEW.valid_to, 'cancelled_at', NEW.cancelled_at
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER announcement_update_changes AFTER UPDATE ON announcement
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1) AND (
        NEW.id IS NOT OLD.id OR NEW.source_key IS NOT OLD.source_key
        OR NEW.school_id IS NOT OLD.school_id OR NEW.class_id IS NOT OLD.class_id
        OR NEW.author_id IS NOT OLD.author_id OR NEW.title IS NOT OLD.title
        OR NEW.text IS NOT OLD.text OR NEW.sms_text IS NOT OLD.sms_text
        OR NEW.urgency IS NOT OLD.urgency OR NEW.confirm IS NOT OLD.confirm
        OR NEW.state IS NOT OLD.state OR NEW.send_at IS NOT OLD.send_at
        OR NEW.valid_to IS NOT OLD.valid_to OR NEW.cancelled_at IS NOT OLD.cancelled_at
    )
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'announcement', NEW.id, 'update',
        json_object(
            'id', OLD.id, 'source_key', OLD.source_key, 'school_id', OLD.school_id,
            'class_id', OLD.class_id, 'author_id', OLD.author_id, 'title', OLD.title,
            'text', OLD.text, 'sms_text', OLD.sms_text, 'urgency', OLD.urgency,
            'confirm', OLD.confirm, 'state', OLD.state, 'send_at', OLD.send_at,
            'valid_to', OLD.valid_to, 'cancelled_at', OLD.cancelled_at
        ),
        json_object(
            'id', NEW.id, 'source_key', NEW.source_key, 'school_id', NEW.school_id,
            'class_id', NEW.class_id, 'author_id', NEW.author_id, 'title', NEW.title,
            'text', NEW.text, 'sms_text', NEW.sms_text, 'urgency', NEW.urgency,
            'confirm', NEW.confirm, 'state', NEW.state, 'send_at', NEW.send_at,
            'valid_to', NEW.valid_to, 'cancelled_at', NEW.cancelled_at
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER announcement_delete_changes AFTER DELETE ON announcement
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'announcement', OLD.id, 'delete',
        json_object(
            'id', OLD.id, 'source_key', OLD.source_key, 'school_id', OLD.school_id,
            'class_id', OLD.class_id, 'author_id', OLD.author_id, 'title', OLD.title,
            'text', OLD.text, 'sms_text', OLD.sms_text, 'urgency', OLD.urgency,
            'confirm', OLD.confirm, 'state', OLD.state, 'send_at', OLD.send_at,
            'valid_to', OLD.valid_to, 'cancelled_at', OLD.cancelled_at
        ),
        NULL,
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
