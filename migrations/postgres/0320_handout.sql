-- What became of sheets after they were printed: who got one and how, and what the slip said.
ALTER TABLE sheet ADD COLUMN kept_because TEXT;
ALTER TABLE sheet ADD COLUMN slip TEXT;
ALTER TABLE sheet ADD COLUMN handed_at BIGINT;
ALTER TABLE sheet ADD COLUMN slip_at BIGINT;
ALTER TABLE sheet ADD COLUMN variant TEXT;

-- The row of the register: of one class and week each number stands for one family.
ALTER TABLE sheet ADD COLUMN row_number BIGINT;

CREATE INDEX sheet_by_code ON sheet (check_code);

-- Each word about a sheet, as it was said: the register's history.
CREATE TABLE sheet_deed (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sheet_id BIGINT NOT NULL REFERENCES sheet (id),
    state TEXT NOT NULL,
    detail TEXT,
    by_staff_id BIGINT REFERENCES staff (id),
    at BIGINT NOT NULL
);
CREATE INDEX sheet_deed_by_sheet ON sheet_deed (sheet_id);

