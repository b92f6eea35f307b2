-- What a notice took over from older ones.
CREATE INDEX notice_by_successor ON notice (merged_into) WHERE merged_into IS NOT NULL;
