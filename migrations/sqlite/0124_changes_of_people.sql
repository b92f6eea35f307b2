-- Trigger bodies run inside whatever SQLite the writer brings: nothing here is newer than 3.31 with
-- JSON1. Addresses stay out: the log of changes must not multiply them.

-- guardian
CREATE TRIGGER guardian_insert_changes AFTER INSERT ON guardian
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'guardian', NEW.id, 'insert',
        NULL,
        json_object(
            'id', NEW.id, 'source_key', NEW.source_key, 'school_id', NEW.school_id,
            'staff_id', NEW.staff_id, 'student_id', NEW.student_id, 'surname', NEW.surname,
            'given_name', NEW.given_name, 'patronymic', NEW.patronymic, 'salutation', NEW.salutation,
            'gender', NEW.gender, 'language', NEW.language, 'large_print', NEW.large_print,
            'plain', NEW.plain, 'preset', NEW.preset, 'quiet', NEW.quiet, 'paused_to', NEW.paused_to
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER guardian_update_changes AFTER UPDATE ON guardian
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1) AND (
        NEW.id IS NOT OLD.id OR NEW.source_key IS NOT OLD.source_key
        OR NEW.school_id IS NOT OLD.school_id OR NEW.staff_id IS NOT OLD.staff_id
        OR NEW.student_id IS NOT OLD.student_id OR NEW.surname IS NOT OLD.surname
        OR NEW.given_name IS NOT OLD.given_name OR NEW.patronymic IS NOT OLD.patronymic
        OR NEW.salutation IS NOT OLD.salutation OR NEW.gender IS NOT OLD.gender
        OR NEW.language IS NOT OLD.language OR NEW.large_print IS NOT OLD.large_print
        OR NEW.plain IS NOT OLD.plain OR NEW.preset IS NOT OLD.preset
        OR NEW.quiet IS NOT OLD.quiet OR NEW.paused_to IS NOT OLD.paused_to
    )
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'guardian', NEW.id, 'update',
        json_object(
            'id', OLD.id, 'source_key', OLD.source_key, 'school_id', OLD.school_id,
            'staff_id', OLD.staff_id, 'student_id', OLD.student_id, 'surname', OLD.surname,
            'given_name', OLD.given_name, 'patronymic', OLD.patronymic, 'salutation', OLD.salutation,
            'gender', OLD.gender, 'language', OLD.language, 'large_print', OLD.large_print,
            'plain', OLD.plain, 'preset', OLD.preset, 'quiet', OLD.quiet, 'paused_to', OLD.paused_to
        ),
        json_object(
            'id', NEW.id, 'source_key', NEW.source_key, 'school_id', NEW.school_id,
            'staff_id', NEW.staff_id, 'student_id', NEW.student_id, 'surname', NEW.surname,
            'given_name', NEW.given_name, 'patronymic', NEW.patronymic, 'salutation', NEW.salutation,
            'gender', NEW.gender, 'language', NEW.language, 'large_print', NEW.large_print,
            'plain', NEW.plain, 'preset', NEW.preset, 'quiet', NEW.quiet, 'paused_to', NEW.paused_to
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER guardian_delete_changes AFTER DELETE ON guardian
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'guardian', OLD.id, 'delete',
        json_object(
            'id', OLD.id, 'source_key', OLD.source_key, 'school_id', OLD.school_id,
            'staff_id', OLD.staff_id, 'student_id', OLD.student_id, 'surname', OLD.surname,
            'given_name', OLD.given_name, 'patronymic', OLD.patronymic, 'salutation', OLD.salutation,
            'gender', OLD.gender, 'language', OLD.language, 'large_print', OLD.large_print,
            'plain', OLD.plain, 'preset', OLD.preset, 'quiet', OLD.quiet, 'paused_to', OLD.paused_to
        ),
        NULL,
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;

-- guardianship
CREATE TRIGGER guardianship_insert_changes AFTER INSERT ON guardianship
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'guardianship', NEW.id, 'insert',
        NULL,
        json_object(
            'id', NEW.id, 'guardian_id', NEW.guardian_id, 'student_id', NEW.student_id,
            'relation', NEW.relation, 'rights', NEW.rights, 'priority', NEW.priority,
            'home', NEW.home, 'restricted_from', NEW.restricted_from,
            'restricted_to', NEW.restricted_to, 'document', NEW.document
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER guardianship_update_changes AFTER UPDATE ON guardianship
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1) AND (
        NEW.id IS NOT OLD.id OR NEW.guardian_id IS NOT OLD.guardian_id
        OR NEW.student_id IS NOT OLD.student_id OR NEW.relation IS NOT OLD.relation
        OR NEW.rights IS NOT OLD.rights OR NEW.priority IS NOT OLD.priority
        OR NEW.home IS NOT OLD.home OR NEW.restricted_from IS NOT OLD.restricted_from
        OR NEW.restricted_to IS NOT OLD.restricted_to OR NEW.document IS NOT OLD.document
    )
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'guardianship', NEW.id, 'update',
        json_object(
            'id', OLD.id, 'guardian_id', OLD.guardian_id, 'student_id', OLD.student_id,
            'relation', OLD.relation, 'rights', OLD.rights, 'priority', OLD.priority,
            'home', OLD.home, 'restricted_from', OLD.restricted_from,
            'restricted_to', OLD.restricted_to, 'document', OLD.document
        ),
        json_object(
            'id', NEW.id, 'guardian_id', NEW.guardian_id, 'student_id', NEW.student_id,
            'relation', NEW.relation, 'rights', NEW.rights, 'priority', NEW.priority,
            'home', NEW.home, 'restricted_from', NEW.restricted_from,
            'restricted_to', NEW.restricted_to, 'document', NEW.document
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER guardianship_delete_changes AFTER DELETE ON guardianship
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'guardianship', OLD.id, 'delete',
        json_object(
            'id', OLD.id, 'guardian_id', OLD.guardian_id, 'student_id', OLD.student_id,
            'relation', OLD.relation, 'rights', OLD.rights, 'priority', OLD.priority,
            'home', OLD.home, 'restricted_from', OLD.restricted_from,
            'restricted_to', OLD.restricted_to, 'document', OLD.document
        ),
        NULL,
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;

-- contact
CREATE TRIGGER contact_insert_changes AFTER INSERT ON contact
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'contact', NEW.id, 'insert',
        NULL,
        json_object(
            'id', NEW.id, 'guardian_id', NEW.guardian_id, 'staff_id', NEW.staff_id,
            'channel', NEW.channel, 'rank', NEW.rank, 'source', NEW.source, 'document', NEW.document,
            'verified_at', NEW.verified_at, 'health', NEW.health, 'health_reason', NEW.health_reason,
            'health_at', NEW.health_at, 'ended_at', NEW.ended_at
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER contact_update_changes AFTER UPDATE ON contact
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1) AND (
        NEW.id IS NOT OLD.id OR NEW.guardian_id IS NOT OLD.guardian_id
        OR NEW.staff_id IS NOT OLD.staff_id OR NEW.channel IS NOT OLD.channel
        OR NEW.address IS NOT OLD.address OR NEW.address_hash IS NOT OLD.address_hash
        OR NEW.rank IS NOT OLD.rank OR NEW.source IS NOT OLD.source
        OR NEW.document IS NOT OLD.document OR NEW.verified_at IS NOT OLD.verified_at
        OR NEW.health IS NOT OLD.health OR NEW.health_reason IS NOT OLD.health_reason
        OR NEW.health_at IS NOT OLD.health_at OR NEW.ended_at IS NOT OLD.ended_at
    )
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'contact', NEW.id, 'update',
        json_object(
            'id', OLD.id, 'guardian_id', OLD.guardian_id, 'staff_id', OLD.staff_id,
            'channel', OLD.channel, 'rank', OLD.rank, 'source', OLD.source, 'document', OLD.document,
            'verified_at', OLD.verified_at, 'health', OLD.health, 'health_reason', OLD.health_reason,
            'health_at', OLD.health_at, 'ended_at', OLD.ended_at
        ),
        json_object(
            'id', NEW.id, 'guardian_id', NEW.guardian_id, 'staff_id', NEW.staff_id,
            'channel', NEW.channel, 'rank', NEW.rank, 'source', NEW.source, 'document', NEW.document,
            'verified_at', NEW.verified_at, 'health', NEW.health, 'health_reason', NEW.health_reason,
            'health_at', NEW.health_at, 'ended_at', NEW.ended_at
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER contact_delete_changes AFTER DELETE ON contact
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'contact', OLD.id, 'delete',
        json_object(
            'id', OLD.id, 'guardian_id', OLD.guardian_id, 'staff_id', OLD.staff_id,
            'channel', OLD.channel, 'rank', OLD.rank, 'source', OLD.source, 'document', OLD.document,
            'verified_at', OLD.verified_at, 'health', OLD.health, 'health_reason', OLD.health_reason,
            'health_at', OLD.health_at, 'ended_at', OLD.ended_at
        ),
        NULL,
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;

-- consent
CREATE TRIGGER consent_insert_changes AFTER INSERT ON consent
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'consent', NEW.id, 'insert',
        NULL,
        json_object(
            'id', NEW.id, 'guardian_id', NEW.guardian_id, 'student_id', NEW.student_id,
            'purpose', NEW.purpose, 'state', NEW.state, 'route', NEW.route,
            'text_version', NEW.text_version, 'contact_id', NEW.contact_id, 'document', NEW.document,
            'signed_on', NEW.signed_on, 'recorded_by', NEW.recorded_by,
            'recorded_at', NEW.recorded_at
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER consent_update_changes AFTER UPDATE ON consent
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1) AND (
        NEW.id IS NOT OLD.id OR NEW.guardian_id IS NOT OLD.guardian_id
        OR NEW.student_id IS NOT OLD.student_id OR NEW.purpose IS NOT OLD.purpose
        OR NEW.state IS NOT OLD.state OR NEW.route IS NOT OLD.route
        OR NEW.text_version IS NOT OLD.text_version OR NEW.contact_id IS NOT OLD.contact_id
        OR NEW.document IS NOT OLD.document OR NEW.signed_on IS NOT OLD.signed_on
        OR NEW.recorded_by IS NOT OLD.recorded_by OR NEW.recorded_at IS NOT OLD.recorded_at
    )
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'consent', NEW.id, 'update',
        json_object(
            'id', OLD.id, 'guardian_id', OLD.guardian_id, 'student_id', OLD.student_id,
            'purpose', OLD.purpose, 'state', OLD.state, 'route', OLD.route,
            'text_version', OLD.text_version, 'contact_id', OLD.contact_id, 'document', OLD.document,
            'signed_on', OLD.signed_on, 'recorded_by', OLD.recorded_by,
            'recorded_at', OLD.recorded_at
        ),
        json_object(
            'id', NEW.id, 'guardian_id', NEW.guardian_id, 'student_id', NEW.student_id,
            'purpose', NEW.purpose, 'state', NEW.state, 'route', NEW.route,
            'text_version', NEW.text_version, 'contact_id', NEW.contact_id, 'document', NEW.document,
            'signed_on', NEW.signed_on, 'recorded_by', NEW.recorded_by,
            'recorded_at', NEW.recorded_at
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER consent_delete_changes AFTER DELETE ON consent
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'consent', OLD.id, 'delete',
        json_object(
            'id', OLD.id, 'guardian_id', OLD.guardian_id, 'student_id', OLD.student_id,
            'purpose', OLD.purpose, 'state', OLD.state, 'route', OLD.route,
            'text_version', OLD.text_version, 'contact_id', OLD.contact_id, 'document', OLD.document,
            'signed_on', OLD.signed_on, 'recorded_by', OLD.recorded_by,
            'recorded_at', OLD.recorded_at
        ),
        NULL,
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;

-- service_mode
CREATE TRIGGER service_mode_insert_changes AFTER INSERT ON service_mode
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'service_mode', NEW.id, 'insert',
        NULL,
        json_object(
            'id', NEW.id, 'guardian_id', NEW.guardian_id, 'student_id', NEW.student_id,
            'mode', NEW.mode, 'ground', NEW.ground, 'statement', NEW.statement,
            'from_on', NEW.from_on, 'to_on', NEW.to_on
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER service_mode_update_changes AFTER UPDATE ON service_mode
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1) AND (
        NEW.id IS NOT OLD.id OR NEW.guardian_id IS NOT OLD.guardian_id
        OR NEW.student_id IS NOT OLD.student_id OR NEW.mode IS NOT OLD.mode
        OR NEW.ground IS NOT OLD.ground OR NEW.statement IS NOT OLD.statement
        OR NEW.from_on IS NOT OLD.from_on OR NEW.to_on IS NOT OLD.to_on
    )
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'service_mode', NEW.id, 'update',
        json_object(
            'id', OLD.id, 'guardian_id', OLD.guardian_id, 'student_id', OLD.student_id,
            'mode', OLD.mode, 'ground', OLD.ground, 'statement', OLD.statement,
            'from_on', OLD.from_on, 'to_on', OLD.to_on
        ),
        json_object(
            'id', NEW.id, 'guardian_id', NEW.guardian_id, 'student_id', NEW.student_id,
            'mode', NEW.mode, 'ground', NEW.ground, 'statement', NEW.statement,
            'from_on', NEW.from_on, 'to_on', NEW.to_on
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER service_mode_delete_changes AFTER DELETE ON service_mode
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'service_mode', OLD.id, 'delete',
        json_object(
            'id', OLD.id, 'guardian_id', OLD.guardian_id, 'student_id', OLD.student_id,
            'mode', OLD.mode, 'ground', OLD.ground, 'statement', OLD.statement,
            'from_on', OLD.from_on, 'to_on', OLD.to_on
        ),
        NULL,
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;

-- preference
CREATE TRIGGER preference_insert_changes AFTER INSERT ON preference
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'preference', NEW.id, 'insert',
        NULL,
        json_object(
            'id', NEW.id, 'guardian_id', NEW.guardian_id, 'event', NEW.event, 'channel', NEW.channel,
            'timing', NEW.timing
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER preference_update_changes AFTER UPDATE ON preference
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1) AND (
        NEW.id IS NOT OLD.id OR NEW.guardian_id IS NOT OLD.guardian_id
        OR NEW.event IS NOT OLD.event OR NEW.channel IS NOT OLD.channel
        OR NEW.timing IS NOT OLD.timing
    )
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'preference', NEW.id, 'update',
        json_object(
            'id', OLD.id, 'guardian_id', OLD.guardian_id, 'event', OLD.event, 'channel', OLD.channel,
            'timing', OLD.timing
        ),
        json_object(
            'id', NEW.id, 'guardian_id', NEW.guardian_id, 'event', NEW.event, 'channel', NEW.channel,
            'timing', NEW.timing
        ),
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;
CREATE TRIGGER preference_delete_changes AFTER DELETE ON preference
WHEN NOT EXISTS (SELECT 1 FROM writing WHERE baseline = 1)
BEGIN
    INSERT INTO change (entity, entity_id, op, old, new, import_id, written_at)
    VALUES (
        'preference', OLD.id, 'delete',
        json_object(
            'id', OLD.id, 'guardian_id', OLD.guardian_id, 'event', OLD.event, 'channel', OLD.channel,
            'timing', OLD.timing
        ),
        NULL,
        (SELECT import_id FROM writing LIMIT 1),
        CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    );
END;

-- Who consented to what, and when, must stand as it was said.
CREATE TRIGGER consent_is_not_rewritten BEFORE UPDATE ON consent
BEGIN
    SELECT RAISE(ABORT, 'the consent register is append-only: add a row with the new state');
END;
CREATE TRIGGER consent_is_not_deleted BEFORE DELETE ON consent
BEGIN
    SELECT RAISE(ABORT, 'the consent register is append-only: add a row with the new state');
END;
