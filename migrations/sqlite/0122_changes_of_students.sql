-- Trigger bodies run inside whatever SQLite the writer brings: nothing here is newer than 3.31 with
-- JSON1. Addresses stay out: the log of changes must not multiply them.

-- mark
CREATE TRIGGER mark_insert_changes AFTER INSERT ON mark
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'mark', NEW.id, 'insert',
        NULL,
        json_object(
            'id', NEW.id, 'source_key', NEW.source_key, 'student_id', NEW.student_id,
            'subject_id', NEW.subject_id, 'lesson_id', NEW.lesson_id, 'date', NEW.date,
            'position', NEW.position, 'value', NEW.value, 'counts', NEW.counts,
            'counted_as', NEW.counted_as, 'weight', NEW.weight, 'work_kind', NEW.work_kind,
            'comment', NEW.comment, 'origin', NEW.origin, 'document', NEW.document,
            'entered_by', NEW.entered_by, 'entered_at', NEW.entered_at
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER mark_update_changes AFTER UPDATE ON mark
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1) AND (
        NEW.id IS NOT OLD.id OR NEW.source_key IS NOT OLD.source_key
        OR NEW.student_id IS NOT OLD.student_id OR NEW.subject_id IS NOT OLD.subject_id
        OR NEW.lesson_id IS NOT OLD.lesson_id OR NEW.date IS NOT OLD.date
        OR NEW.position IS NOT OLD.position OR NEW.value IS NOT OLD.value
        OR NEW.counts IS NOT OLD.counts OR NEW.counted_as IS NOT OLD.counted_as
        OR NEW.weight IS NOT OLD.weight OR NEW.work_kind IS NOT OLD.work_kind
        OR NEW.comment IS NOT OLD.comment OR NEW.origin IS NOT OLD.origin
        OR NEW.document IS NOT OLD.document OR NEW.entered_by IS NOT OLD.entered_by
        OR NEW.entered_at IS NOT OLD.entered_at
    )
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'mark', NEW.id, 'update',
        json_object(
            'id', OLD.id, 'source_key', OLD.source_key, 'student_id', OLD.student_id,
            'subject_id', OLD.subject_id, 'lesson_id', OLD.lesson_id, 'date', OLD.date,
            'position', OLD.position, 'value', OLD.value, 'counts', OLD.counts,
            'counted_as', OLD.counted_as, 'weight', OLD.weight, 'work_kind', OLD.work_kind,
            'comment', OLD.comment, 'origin', OLD.origin, 'document', OLD.document,
            'entered_by', OLD.entered_by, 'entered_at', OLD.entered_at
        ),
        json_object(
            'id', NEW.id, 'source_key', NEW.source_key, 'student_id', NEW.student_id,
            'subject_id', NEW.subject_id, 'lesson_id', NEW.lesson_id, 'date', NEW.date,
            'position', NEW.position, 'value', NEW.value, 'counts', NEW.counts,
            'counted_as', NEW.counted_as, 'weight', NEW.weight, 'work_kind', NEW.work_kind,
            'comment', NEW.comment, 'origin', NEW.origin, 'document', NEW.document,
            'entered_by', NEW.entered_by, 'entered_at', NEW.entered_at
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER mark_delete_changes AFTER DELETE ON mark
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'mark', OLD.id, 'delete',
        json_object(
            'id', OLD.id, 'source_key', OLD.source_key, 'student_id', OLD.student_id,
            'subject_id', OLD.subject_id, 'lesson_id', OLD.lesson_id, 'date', OLD.date,
            'position', OLD.position, 'value', OLD.value, 'counts', OLD.counts,
            'counted_as', OLD.counted_as, 'weight', OLD.weight, 'work_kind', OLD.work_kind,
            'comment', OLD.comment, 'origin', OLD.origin, 'document', OLD.document,
            'entered_by', OLD.entered_by, 'entered_at', OLD.entered_at
        ),
        NULL,
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;

-- attendance
CREATE TRIGGER attendance_insert_changes AFTER INSERT ON attendance
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'attendance', NEW.id, 'insert',
        NULL,
        json_object(
            'id', NEW.id, 'source_key', NEW.source_key, 'student_id', NEW.student_id,
            'lesson_id', NEW.lesson_id, 'date', NEW.date, 'number', NEW.number, 'code', NEW.code,
            'letter', NEW.letter, 'minutes_late', NEW.minutes_late, 'entered_by', NEW.entered_by,
            'entered_at', NEW.entered_at
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER attendance_update_changes AFTER UPDATE ON attendance
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1) AND (
        NEW.id IS NOT OLD.id OR NEW.source_key IS NOT OLD.source_key
        OR NEW.student_id IS NOT OLD.student_id OR NEW.lesson_id IS NOT OLD.lesson_id
        OR NEW.date IS NOT OLD.date OR NEW.number IS NOT OLD.number OR NEW.code IS NOT OLD.code
        OR NEW.letter IS NOT OLD.letter OR NEW.minutes_late IS NOT OLD.minutes_late
        OR NEW.entered_by IS NOT OLD.entered_by OR NEW.entered_at IS NOT OLD.entered_at
    )
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'attendance', NEW.id, 'update',
        json_object(
            'id', OLD.id, 'source_key', OLD.source_key, 'student_id', OLD.student_id,
            'lesson_id', OLD.lesson_id, 'date', OLD.date, 'number', OLD.number, 'code', OLD.code,
            'letter', OLD.letter, 'minutes_late', OLD.minutes_late, 'entered_by', OLD.entered_by,
            'entered_at', OLD.entered_at
        ),
        json_object(
            'id', NEW.id, 'source_key', NEW.source_key, 'student_id', NEW.student_id,
            'lesson_id', NEW.lesson_id, 'date', NEW.date, 'number', NEW.number, 'code', NEW.code,
            'letter', NEW.letter, 'minutes_late', NEW.minutes_late, 'entered_by', NEW.entered_by,
            'entered_at', NEW.entered_at
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER attendance_delete_changes AFTER DELETE ON attendance
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'attendance', OLD.id, 'delete',
        json_object(
            'id', OLD.id, 'source_key', OLD.source_key, 'student_id', OLD.student_id,
            'lesson_id', OLD.lesson_id, 'date', OLD.date, 'number', OLD.number, 'code', OLD.code,
            'letter', OLD.letter, 'minutes_late', OLD.minutes_late, 'entered_by', OLD.entered_by,
            'entered_at', OLD.entered_at
        ),
        NULL,
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;

-- homework
CREATE TRIGGER homework_insert_changes AFTER INSERT ON homework
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'homework', NEW.id, 'insert',
        NULL,
        json_object(
            'id', NEW.id, 'source_key', NEW.source_key, 'class_id', NEW.class_id,
            'subgroup_id', NEW.subgroup_id, 'student_id', NEW.student_id, 'lesson_id', NEW.lesson_id,
            'subject_id', NEW.subject_id, 'assigned_on', NEW.assigned_on, 'due_on', NEW.due_on,
            'text', NEW.text, 'links', NEW.links, 'entered_by', NEW.entered_by,
            'entered_at', NEW.entered_at
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER homework_update_changes AFTER UPDATE ON homework
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1) AND (
        NEW.id IS NOT OLD.id OR NEW.source_key IS NOT OLD.source_key
        OR NEW.class_id IS NOT OLD.class_id OR NEW.subgroup_id IS NOT OLD.subgroup_id
        OR NEW.student_id IS NOT OLD.student_id OR NEW.lesson_id IS NOT OLD.lesson_id
        OR NEW.subject_id IS NOT OLD.subject_id OR NEW.assigned_on IS NOT OLD.assigned_on
        OR NEW.due_on IS NOT OLD.due_on OR NEW.text IS NOT OLD.text
        OR NEW.links IS NOT OLD.links OR NEW.entered_by IS NOT OLD.entered_by
        OR NEW.entered_at IS NOT OLD.entered_at
    )
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'homework', NEW.id, 'update',
        json_object(
            'id', OLD.id, 'source_key', OLD.source_key, 'class_id', OLD.class_id,
            'subgroup_id', OLD.subgroup_id, 'student_id', OLD.student_id, 'lesson_id', OLD.lesson_id,
            'subject_id', OLD.subject_id, 'assigned_on', OLD.assigned_on, 'due_on', OLD.due_on,
            'text', OLD.text, 'links', OLD.links, 'entered_by', OLD.entered_by,
            'entered_at', OLD.entered_at
        ),
        json_object(
            'id', NEW.id, 'source_key', NEW.source_key, 'class_id', NEW.class_id,
            'subgroup_id', NEW.subgroup_id, 'student_id', NEW.student_id, 'lesson_id', NEW.lesson_id,
            'subject_id', NEW.subject_id, 'assigned_on', NEW.assigned_on, 'due_on', NEW.due_on,
            'text', NEW.text, 'links', NEW.links, 'entered_by', NEW.entered_by,
            'entered_at', NEW.entered_at
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER homework_delete_changes AFTER DELETE ON homework
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'homework', OLD.id, 'delete',
        json_object(
            'id', OLD.id, 'source_key', OLD.source_key, 'class_id', OLD.class_id,
            'subgroup_id', OLD.subgroup_id, 'student_id', OLD.student_id, 'lesson_id', OLD.lesson_id,
            'subject_id', OLD.subject_id, 'assigned_on', OLD.assigned_on, 'due_on', OLD.due_on,
            'text', OLD.text, 'links', OLD.links, 'entered_by', OLD.entered_by,
            'entered_at', OLD.entered_at
        ),
        NULL,
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;

-- remark
CREATE TRIGGER remark_insert_changes AFTER INSERT ON remark
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'remark', NEW.id, 'insert',
        NULL,
        json_object(
            'id', NEW.id, 'source_key', NEW.source_key, 'student_id', NEW.student_id,
            'lesson_id', NEW.lesson_id, 'date', NEW.date, 'kind', NEW.kind, 'text', NEW.text,
            'notify_parents', NEW.notify_parents, 'author_id', NEW.author_id,
            'entered_at', NEW.entered_at
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER remark_update_changes AFTER UPDATE ON remark
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1) AND (
        NEW.id IS NOT OLD.id OR NEW.source_key IS NOT OLD.source_key
        OR NEW.student_id IS NOT OLD.student_id OR NEW.lesson_id IS NOT OLD.lesson_id
        OR NEW.date IS NOT OLD.date OR NEW.kind IS NOT OLD.kind OR NEW.text IS NOT OLD.text
        OR NEW.notify_parents IS NOT OLD.notify_parents OR NEW.author_id IS NOT OLD.author_id
        OR NEW.entered_at IS NOT OLD.entered_at
    )
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'remark', NEW.id, 'update',
        json_object(
            'id', OLD.id, 'source_key', OLD.source_key, 'student_id', OLD.student_id,
            'lesson_id', OLD.lesson_id, 'date', OLD.date, 'kind', OLD.kind, 'text', OLD.text,
            'notify_parents', OLD.notify_parents, 'author_id', OLD.author_id,
            'entered_at', OLD.entered_at
        ),
        json_object(
            'id', NEW.id, 'source_key', NEW.source_key, 'student_id', NEW.student_id,
            'lesson_id', NEW.lesson_id, 'date', NEW.date, 'kind', NEW.kind, 'text', NEW.text,
            'notify_parents', NEW.notify_parents, 'author_id', NEW.author_id,
            'entered_at', NEW.entered_at
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER remark_delete_changes AFTER DELETE ON remark
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'remark', OLD.id, 'delete',
        json_object(
            'id', OLD.id, 'source_key', OLD.source_key, 'student_id', OLD.student_id,
            'lesson_id', OLD.lesson_id, 'date', OLD.date, 'kind', OLD.kind, 'text', OLD.text,
            'notify_parents', OLD.notify_parents, 'author_id', OLD.author_id,
            'entered_at', OLD.entered_at
        ),
        NULL,
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;

-- term_result
CREATE TRIGGER term_result_insert_changes AFTER INSERT ON term_result
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'term_result', NEW.id, 'insert',
        NULL,
        json_object(
            'id', NEW.id, 'source_key', NEW.source_key, 'student_id', NEW.student_id,
            'subject_id', NEW.subject_id, 'term_id', NEW.term_id, 'stage', NEW.stage,
            'value', NEW.value, 'status', NEW.status, 'deferred_to', NEW.deferred_to,
            'received_at', NEW.received_at, 'entered_by', NEW.entered_by,
            'entered_at', NEW.entered_at
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER term_result_update_changes AFTER UPDATE ON term_result
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1) AND (
        NEW.id IS NOT OLD.id OR NEW.source_key IS NOT OLD.source_key
        OR NEW.student_id IS NOT OLD.student_id OR NEW.subject_id IS NOT OLD.subject_id
        OR NEW.term_id IS NOT OLD.term_id OR NEW.stage IS NOT OLD.stage
        OR NEW.value IS NOT OLD.value OR NEW.status IS NOT OLD.status
        OR NEW.deferred_to IS NOT OLD.deferred_to OR NEW.received_at IS NOT OLD.received_at
        OR NEW.entered_by IS NOT OLD.entered_by OR NEW.entered_at IS NOT OLD.entered_at
    )
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'term_result', NEW.id, 'update',
        json_object(
            'id', OLD.id, 'source_key', OLD.source_key, 'student_id', OLD.student_id,
            'subject_id', OLD.subject_id, 'term_id', OLD.term_id, 'stage', OLD.stage,
            'value', OLD.value, 'status', OLD.status, 'deferred_to', OLD.deferred_to,
            'received_at', OLD.received_at, 'entered_by', OLD.entered_by,
            'entered_at', OLD.entered_at
        ),
        json_object(
            'id', NEW.id, 'source_key', NEW.source_key, 'student_id', NEW.student_id,
            'subject_id', NEW.subject_id, 'term_id', NEW.term_id, 'stage', NEW.stage,
            'value', NEW.value, 'status', NEW.status, 'deferred_to', NEW.deferred_to,
            'received_at', NEW.received_at, 'entered_by', NEW.entered_by,
            'entered_at', NEW.entered_at
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER term_result_delete_changes AFTER DELETE ON term_result
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'term_result', OLD.id, 'delete',
        json_object(
            'id', OLD.id, 'source_key', OLD.source_key, 'student_id', OLD.student_id,
            'subject_id', OLD.subject_id, 'term_id', OLD.term_id, 'stage', OLD.stage,
            'value', OLD.value, 'status', OLD.status, 'deferred_to', OLD.deferred_to,
            'received_at', OLD.received_at, 'entered_by', OLD.entered_by,
            'entered_at', OLD.entered_at
        ),
        NULL,
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
