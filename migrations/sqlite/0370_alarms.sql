-- What alarms ask every few minutes of a year's notices.
CREATE INDEX notice_of_results ON notice (seen_at)
    WHERE event IN ('term_result', 'exam') AND state IN ('settling', 'waiting', 'in_message', 'held');
CREATE INDEX notice_unheard ON notice (week, guardian_id, student_id) WHERE state = 'red';

-- What the register of changed marks and the director's sheet count.
CREATE INDEX change_of_marks ON change (written_at) WHERE entity = 'mark' AND op IN ('update', 'delete');
