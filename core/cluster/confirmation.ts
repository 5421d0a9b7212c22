/** A failure is believed once so many readings in a row have shown it. */
export const READINGS = 3;

/** Readings that never agree are a cluster that flaps. */
export const MAX_READINGS = 10;
