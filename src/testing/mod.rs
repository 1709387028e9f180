//! The cut and equality harness.
