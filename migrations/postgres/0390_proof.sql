-- What the page of a family and its proof ask.
CREATE INDEX sheet_by_student ON sheet (student_id, week);
CREATE INDEX sheet_by_first ON sheet (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE INDEX acknowledgement_by_notice ON acknowledgement (notice_id, at);
