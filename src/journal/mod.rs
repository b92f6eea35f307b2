//! The journal: its types, write rules and importers.
