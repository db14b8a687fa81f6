/** Nobody types longer filters. */
const MAX_LENGTH = 500;

/** The filter as a regular expression. An invalid one filters nothing and reports an error. */
export function compileFilter(filter: string): { pattern: RegExp | null; error: string | null } {
  if (filter === "") return { pattern: null, error: null };
  if (filter.length > MAX_LENGTH) {
    return { pattern: null, error: `The filter is longer than ${MAX_LENGTH} characters` };
  }
  try {
    return { pattern: new RegExp(filter, "iu"), error: null };
  } catch {
    // Without the u flag more patterns are valid, e.g. an escaped hyphen.
  }
  try {
    return { pattern: new RegExp(filter, "i"), error: null };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const reason = message.replace(/^Invalid regular expression: ?/, "");
    return { pattern: null, error: `Invalid regular expression: ${reason}` };
  }
}
