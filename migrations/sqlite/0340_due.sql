-- The time of the calendar that a run serves: a class is printed once for each, whatever befalls the program.
ALTER TABLE print_run ADD COLUMN due_at BIGINT;
