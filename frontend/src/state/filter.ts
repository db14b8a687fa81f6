import { type Condition, parseConditions } from "./conditions";

/** Nobody types longer filters. */
const MAX_LENGTH = 500;

interface Filter {
  /** What names match; null is anything. */
  pattern: RegExp | null;
  conditions: readonly Condition[];
  error: string | null;
}

/**
 * A filter: a regular expression on names, conditions such as `lr > 0.001`, or both, separated by
 * commas. An invalid one filters nothing and reports an error.
 */
export function compileFilter(filter: string): Filter {
  if (filter.length > MAX_LENGTH) {
    return invalid(`The filter is longer than ${MAX_LENGTH} characters`);
  }
  const { conditions, rest, error } = parseConditions(filter);
  if (error !== null) return invalid(error);
  if (rest === "") return { pattern: null, conditions, error: null };
  try {
    return { pattern: new RegExp(rest, "iu"), conditions, error: null };
  } catch {
    // Without the u flag more patterns are valid, e.g. an escaped hyphen.
  }
  try {
    return { pattern: new RegExp(rest, "i"), conditions, error: null };
  } catch (reason) {
    const message = reason instanceof Error ? reason.message : String(reason);
    return invalid(
      `Invalid regular expression: ${message.replace(/^Invalid regular expression: ?/, "")}`,
    );
  }
}

function invalid(error: string): Filter {
  return { pattern: null, conditions: [], error };
}
