/** A longer one is nobody's own. */
const LONGEST = 500;

/**
 * The filter as a regular expression; a broken one hides nothing and says what is wrong.
 *
 * A link may bring a filter that somebody else wrote, and a browser cannot be told to give up on a
 * pattern, so one that could keep it busy for ever is refused.
 */
export function compileFilter(filter: string): { pattern: RegExp | null; error: string | null } {
  if (filter === "") return { pattern: null, error: null };
  if (filter.length > LONGEST) {
    return { pattern: null, error: `Longer than ${LONGEST} characters` };
  }
  if (repeatsWhatRepeats(filter)) {
    return { pattern: null, error: "A repeated group must hold no repetition and no | itself" };
  }
  try {
    return { pattern: new RegExp(filter, "iu"), error: null };
  } catch {
    // Without the u flag more patterns are taken, such as an escaped hyphen.
  }
  try {
    return { pattern: new RegExp(filter, "i"), error: null };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { pattern: null, error: message.replace(/^Invalid regular expression: ?/, "") };
  }
}

/** Whether there is something like `(a+)+` or `(a|a)*`, which tries every way to share out a text. */
function repeatsWhatRepeats(pattern: string): boolean {
  // Of each group that is open: whether there is more than one way through it.
  const open: boolean[] = [false];
  const mark = () => {
    open[open.length - 1] = true;
  };
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern[i];
    if (character === "\\") i++;
    else if (character === "[") i = endOfClass(pattern, i);
    else if (character === "(") open.push(false);
    else if (character === "|" || repetitionAt(pattern, i)) mark();
    else if (character === ")") {
      const manyWays = open.length > 1 ? open.pop() : false;
      if (manyWays && repetitionAt(pattern, i + 1)) return true;
      if (manyWays) mark();
    }
  }
  return false;
}

function repetitionAt(pattern: string, at: number): boolean {
  return /^(?:[*+]|\{\d+(?:,\d*)?\})/.test(pattern.slice(at, at + 24));
}

function endOfClass(pattern: string, start: number): number {
  for (let i = start + 1; i < pattern.length; i++) {
    if (pattern[i] === "\\") i++;
    else if (pattern[i] === "]") return i;
  }
  return pattern.length;
}
