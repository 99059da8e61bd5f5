//! The gate by itself: what is repaired, and what its fades sound like.
