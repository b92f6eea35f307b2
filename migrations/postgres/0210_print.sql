-- What a print run prints is fixed when it begins, so that it can be printed again as it was.
ALTER TABLE print_run ADD COLUMN data TEXT;
ALTER TABLE print_run ADD COLUMN file TEXT;
ALTER TABLE print_run ADD COLUMN reason TEXT;
CREATE INDEX print_run_by_week ON print_run (class_id, week);
CREATE INDEX sheet_by_run ON sheet (print_run_id);
