-- A run that a printer prints: the job, which is booked before the printer hears of it, and what the printer says.
ALTER TABLE print_run ADD COLUMN job_name TEXT;
ALTER TABLE print_run ADD COLUMN job_id BIGINT;
ALTER TABLE print_run ADD COLUMN sent_at BIGINT;
ALTER TABLE print_run ADD COLUMN printer_says TEXT;
