-- What was done is kept as numbers and codes; its words are made where it is shown.
ALTER TABLE audit RENAME COLUMN words TO about;
