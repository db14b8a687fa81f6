/** With more curves than this, lines are one device pixel wide: their width dominates the drawing time. */
export const MAX_CURVES_WITH_THICK_LINES = 24;
/** With more curves than this, their raw forms would only blur the chart. */
export const MAX_CURVES_WITH_RAW = 6;
