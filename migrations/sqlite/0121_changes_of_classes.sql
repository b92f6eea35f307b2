-- Trigger bodies run inside whatever SQLite the writer brings: nothing here is newer than 3.31 with
-- JSON1. Addresses stay out: the log of changes must not multiply them.

-- subgroup_member
CREATE TRIGGER subgroup_member_insert_changes AFTER INSERT ON subgroup_member
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'subgroup_member', NEW.id, 'insert',
        NULL,
        json_object(
            'id', NEW.id, 'subgroup_id', NEW.subgroup_id, 'student_id', NEW.student_id,
            'from_on', NEW.from_on, 'to_on', NEW.to_on
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER subgroup_member_update_changes AFTER UPDATE ON subgroup_member
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1) AND (
        NEW.id IS NOT OLD.id OR NEW.subgroup_id IS NOT OLD.subgroup_id
        OR NEW.student_id IS NOT OLD.student_id OR NEW.from_on IS NOT OLD.from_on
        OR NEW.to_on IS NOT OLD.to_on
    )
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'subgroup_member', NEW.id, 'update',
        json_object(
            'id', OLD.id, 'subgroup_id', OLD.subgroup_id, 'student_id', OLD.student_id,
            'from_on', OLD.from_on, 'to_on', OLD.to_on
        ),
        json_object(
            'id', NEW.id, 'subgroup_id', NEW.subgroup_id, 'student_id', NEW.student_id,
            'from_on', NEW.from_on, 'to_on', NEW.to_on
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER subgroup_member_delete_changes AFTER DELETE ON subgroup_member
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'subgroup_member', OLD.id, 'delete',
        json_object(
            'id', OLD.id, 'subgroup_id', OLD.subgroup_id, 'student_id', OLD.student_id,
            'from_on', OLD.from_on, 'to_on', OLD.to_on
        ),
        NULL,
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;

-- enrolment
CREATE TRIGGER enrolment_insert_changes AFTER INSERT ON enrolment
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'enrolment', NEW.id, 'insert',
        NULL,
        json_object(
            'id', NEW.id, 'student_id', NEW.student_id, 'class_id', NEW.class_id,
            'number', NEW.number, 'from_on', NEW.from_on, 'to_on', NEW.to_on, 'reason', NEW.reason
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER enrolment_update_changes AFTER UPDATE ON enrolment
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1) AND (
        NEW.id IS NOT OLD.id OR NEW.student_id IS NOT OLD.student_id
        OR NEW.class_id IS NOT OLD.class_id OR NEW.number IS NOT OLD.number
        OR NEW.from_on IS NOT OLD.from_on OR NEW.to_on IS NOT OLD.to_on
        OR NEW.reason IS NOT OLD.reason
    )
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'enrolment', NEW.id, 'update',
        json_object(
            'id', OLD.id, 'student_id', OLD.student_id, 'class_id', OLD.class_id,
            'number', OLD.number, 'from_on', OLD.from_on, 'to_on', OLD.to_on, 'reason', OLD.reason
        ),
        json_object(
            'id', NEW.id, 'student_id', NEW.student_id, 'class_id', NEW.class_id,
            'number', NEW.number, 'from_on', NEW.from_on, 'to_on', NEW.to_on, 'reason', NEW.reason
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER enrolment_delete_changes AFTER DELETE ON enrolment
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'enrolment', OLD.id, 'delete',
        json_object(
            'id', OLD.id, 'student_id', OLD.student_id, 'class_id', OLD.class_id,
            'number', OLD.number, 'from_on', OLD.from_on, 'to_on', OLD.to_on, 'reason', OLD.reason
        ),
        NULL,
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;

-- lesson
CREATE TRIGGER lesson_insert_changes AFTER INSERT ON lesson
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'lesson', NEW.id, 'insert',
        NULL,
        json_object(
            'id', NEW.id, 'source_key', NEW.source_key, 'class_id', NEW.class_id,
            'subgroup_id', NEW.subgroup_id, 'subject_id', NEW.subject_id, 'date', NEW.date,
            'number', NEW.number, 'starts_at', NEW.starts_at, 'ends_at', NEW.ends_at,
            'room', NEW.room, 'topic', NEW.topic, 'teacher_id', NEW.teacher_id,
            'substitute_id', NEW.substitute_id, 'state', NEW.state, 'moved_to', NEW.moved_to
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER lesson_update_changes AFTER UPDATE ON lesson
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1) AND (
        NEW.id IS NOT OLD.id OR NEW.source_key IS NOT OLD.source_key
        OR NEW.class_id IS NOT OLD.class_id OR NEW.subgroup_id IS NOT OLD.subgroup_id
        OR NEW.subject_id IS NOT OLD.subject_id OR NEW.date IS NOT OLD.date
        OR NEW.number IS NOT OLD.number OR NEW.starts_at IS NOT OLD.starts_at
        OR NEW.ends_at IS NOT OLD.ends_at OR NEW.room IS NOT OLD.room
        OR NEW.topic IS NOT OLD.topic OR NEW.teacher_id IS NOT OLD.teacher_id
        OR NEW.substitute_id IS NOT OLD.substitute_id OR NEW.state IS NOT OLD.state
        OR NEW.moved_to IS NOT OLD.moved_to
    )
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'lesson', NEW.id, 'update',
        json_object(
            'id', OLD.id, 'source_key', OLD.source_key, 'class_id', OLD.class_id,
            'subgroup_id', OLD.subgroup_id, 'subject_id', OLD.subject_id, 'date', OLD.date,
            'number', OLD.number, 'starts_at', OLD.starts_at, 'ends_at', OLD.ends_at,
            'room', OLD.room, 'topic', OLD.topic, 'teacher_id', OLD.teacher_id,
            'substitute_id', OLD.substitute_id, 'state', OLD.state, 'moved_to', OLD.moved_to
        ),
        json_object(
            'id', NEW.id, 'source_key', NEW.source_key, 'class_id', NEW.class_id,
            'subgroup_id', NEW.subgroup_id, 'subject_id', NEW.subject_id, 'date', NEW.date,
            'number', NEW.number, 'starts_at', NEW.starts_at, 'ends_at', NEW.ends_at,
            'room', NEW.room, 'topic', NEW.topic, 'teacher_id', NEW.teacher_id,
            'substitute_id', NEW.substitute_id, 'state', NEW.state, 'moved_to', NEW.moved_to
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER lesson_delete_changes AFTER DELETE ON lesson
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'lesson', OLD.id, 'delete',
        json_object(
            'id', OLD.id, 'source_key', OLD.source_key, 'class_id', OLD.class_id,
            'subgroup_id', OLD.subgroup_id, 'subject_id', OLD.subject_id, 'date', OLD.date,
            'number', OLD.number, 'starts_at', OLD.starts_at, 'ends_at', OLD.ends_at,
            'room', OLD.room, 'topic', OLD.topic, 'teacher_id', OLD.teacher_id,
            'substitute_id', OLD.substitute_id, 'state', OLD.state, 'moved_to', OLD.moved_to
        ),
        NULL,
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
