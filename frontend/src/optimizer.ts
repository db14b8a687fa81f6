/** Settings of an optimizer that the best learning rate depends on. */
const DECISIVE = ["momentum", "nesterov", "weight_decay"] as const;

/**
 * The recorded settings that decide about the learning rate, without those with the defaults 0 and
 * false. Anything else than numbers and booleans is left out: event files can contain anything.
 */
export function decisiveSettings(recorded: unknown): [string, number | true][] {
  if (typeof recorded !== "object" || recorded === null) return [];
  return DECISIVE.flatMap((name): [string, number | true][] => {
    const value: unknown = (recorded as Record<string, unknown>)[name];
    if (value === true) return [[name, value]];
    return typeof value === "number" && Number.isFinite(value) && value !== 0
      ? [[name, value]]
      : [];
  });
}
