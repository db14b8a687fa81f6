import { getAll, type RunsResponse, urlsFor } from "./http";

/** A training at a fixed learning rate. */
export interface Trial {
  run: string;
  diverged: boolean;
  /** The name of the schedule; null if the learning rate is constant. */
  schedule: string | null;
  /** One value per epoch. A column that was not recorded is missing; a value that is not is NaN. */
  columns: Record<string, Float64Array>;
  /** The values of the last epoch, `gap` and `descent`, as far as they are defined. */
  final: Record<string, number>;
}

export function fetchTrials(
  runs: readonly string[],
  signal?: AbortSignal,
): Promise<RunsResponse<Trial>> {
  const itemsOf = (body: unknown) => (body as { trials: RawTrial[] }).trials.map(decodeTrial);
  return getAll(urlsFor("trials?", runs), itemsOf, signal);
}

interface RawTrial {
  run: string;
  diverged: boolean;
  config: Record<string, unknown>;
  columns: Record<string, unknown[] | null>;
  final: Record<string, unknown>;
}

function decodeTrial({ run, diverged, config, columns, final }: RawTrial): Trial {
  const schedule = config["schedule"];
  return {
    run,
    diverged,
    schedule: typeof schedule === "string" ? schedule : null,
    columns: withoutNull(columns, (values) => Float64Array.from(values, decodeNumber)),
    final: withoutNull(final, decodeNumber),
  };
}

/** The decoded values; null means that there is no such value. */
function withoutNull<Raw, Value>(
  raw: Record<string, Raw>,
  decode: (value: NonNullable<Raw>) => Value,
): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(raw).flatMap(([name, value]) =>
      value === null || value === undefined ? [] : [[name, decode(value)]],
    ),
  );
}

/** JSON has no NaN and no infinity: the server encodes them as "NaN" and "Infinity". */
function decodeNumber(value: unknown): number {
  return value === null ? NaN : Number(value);
}
