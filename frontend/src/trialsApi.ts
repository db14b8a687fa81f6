import { get, urlsFor } from "./api";

/** A training at a fixed learning rate. A number that is not finite, or missing, is NaN. */
export interface Trial {
  run: string;
  diverged: boolean;
  /** The schedule's name; null where the learning rate is fixed. */
  schedule: string | null;
  /** Of equal length, one value for each epoch; those that the training did not have are left out. */
  columns: Record<string, Float64Array>;
  /** Those of the last epoch, and `gap` and `descent`. */
  final: Record<string, number>;
}

export interface TrialsAnswer {
  trials: Trial[];
  errors: { run: string; message: string }[];
}

export async function fetchTrials(
  runs: readonly string[],
  signal?: AbortSignal,
): Promise<TrialsAnswer> {
  const answers = await Promise.all(
    urlsFor("trials?", runs).map(async (url) => {
      const response = await get(url, signal);
      return (await response.json()) as { trials: RawTrial[]; errors: TrialsAnswer["errors"] };
    }),
  );
  return {
    trials: answers.flatMap((answer) => answer.trials.map(decodeTrial)),
    errors: answers.flatMap((answer) => answer.errors),
  };
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
    columns: Object.fromEntries(
      Object.entries(columns).flatMap(([name, values]) =>
        values === null ? [] : [[name, Float64Array.from(values, numberOf)]],
      ),
    ),
    final: Object.fromEntries(
      Object.entries(final).map(([name, value]) => [name, numberOf(value)]),
    ),
  };
}

/** JSON has no NaN and no infinity: the server writes them as "NaN" and "Infinity". */
function numberOf(value: unknown): number {
  return value === null ? NaN : Number(value);
}
