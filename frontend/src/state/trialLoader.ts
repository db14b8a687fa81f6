import type { Run } from "../api";
import { fetchTrials, type Trial, type TrialsAnswer } from "../trialsApi";

export interface Trials {
  byRun: ReadonlyMap<string, Trial>;
  /** Why a run has no trial, by run. */
  errors: ReadonlyMap<string, string>;
}

type Fetch = (runs: readonly string[], signal?: AbortSignal) => Promise<TrialsAnswer>;

/** Remembers trials, and asks again only for those whose version has changed. */
export class TrialLoader {
  readonly #fetch: Fetch;
  readonly #known = new Map<string, { version: string; trial: Trial | null; error: string }>();

  constructor(fetch: Fetch = fetchTrials) {
    this.#fetch = fetch;
  }

  async load(runs: readonly Run[], signal?: AbortSignal): Promise<Trials> {
    const changed = runs.filter(({ run, version }) => this.#known.get(run)?.version !== version);
    if (changed.length > 0) {
      const answer = await this.#fetch(
        changed.map(({ run }) => run),
        signal,
      );
      // Filed under the version that was asked for: if a newer one came, the next poll asks again.
      const versions = new Map(changed.map(({ run, version }) => [run, version]));
      for (const trial of answer.trials) {
        const version = versions.get(trial.run) ?? "";
        this.#known.set(trial.run, { version, trial, error: "" });
      }
      for (const { run, message } of answer.errors) {
        this.#known.set(run, { version: versions.get(run) ?? "", trial: null, error: message });
      }
    }
    return this.known(runs);
  }

  /** What is here of these runs, however old. */
  known(runs: readonly Run[]): Trials {
    const byRun = new Map<string, Trial>();
    const errors = new Map<string, string>();
    for (const { run } of runs) {
      const known = this.#known.get(run);
      if (known?.trial) byRun.set(run, known.trial);
      if (known?.error) errors.set(run, known.error);
    }
    return { byRun, errors };
  }
}
