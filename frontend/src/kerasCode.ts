import type { SweepPart } from "./api/sweeps";
import { formatLearningRate } from "./format";
import { decisiveSettings } from "./optimizer";

/** Keras 3 code that uses a suggestion. */
export interface Snippet {
  name: string;
  /** The learning rates in it. */
  values: string;
  code: string;
}

/** The optimizers of Keras 3. The arguments of custom optimizers are unknown. */
const OPTIMIZERS = new Set(
  "SGD RMSprop Adam AdamW Adadelta Adagrad Adamax Adafactor Nadam Ftrl Lion Lamb Muon".split(" "),
);

const IMPORT = "import keras\n";
const STEPS = "steps = 10_000  # batches of the whole training: epochs * len(dataset)";

/**
 * The suggestion as code: a constant learning rate, one for a long training, a cyclical range and a
 * one-cycle maximum.
 *
 * Learning rates are formatted as in the charts.
 */
export function kerasSnippets(learningRate: number, sweep: SweepPart): Snippet[] {
  const rate = formatLearningRate(learningRate);
  const snippets = [
    {
      name: "Constant learning rate",
      values: rate,
      code: [IMPORT, optimizerLine(rate, sweep.config), ""].join("\n"),
    },
  ];
  const ranges = sweep.suggestion?.ranges;
  if (!ranges) return snippets;
  const [low, high] = ranges.cyclical.map(formatLearningRate) as [string, string];
  const peak = formatLearningRate(ranges.one_cycle_max);
  const long = formatLearningRate(ranges.long_training);
  return [
    ...snippets,
    {
      name: "Long training",
      values: long,
      code: [IMPORT, optimizerLine(long, sweep.config), ""].join("\n"),
    },
    {
      name: "Cyclical learning rate",
      values: `${low} to ${high}`,
      code: `${IMPORT}
${TRIANGLE}

schedule = TriangularCycle(${low}, ${high}, steps_up=2_000)  # some 2 to 10 epochs of batches
${optimizerLine("schedule", sweep.config)}
`,
    },
    {
      name: "One cycle",
      values: `up to ${peak}`,
      code: `${IMPORT}
${STEPS}
schedule = keras.optimizers.schedules.CosineDecay(
    initial_learning_rate=${peak} / 25,
    warmup_target=${peak},
    warmup_steps=steps // 3,
    decay_steps=steps - steps // 3,
)
${optimizerLine("schedule", sweep.config)}
`,
    },
  ];
}

const TRIANGLE = `
@keras.saving.register_keras_serializable("lr_finder")
class TriangularCycle(keras.optimizers.schedules.LearningRateSchedule):
    """Up and down in straight lines (Smith 2015, arXiv:1506.01186)."""

    def __init__(self, low, high, steps_up):
        self.low, self.high, self.steps_up = low, high, steps_up

    def __call__(self, step):
        position = keras.ops.cast(step, "float32") / self.steps_up
        from_peak = keras.ops.abs(keras.ops.mod(position, 2) - 1)
        return self.high - (self.high - self.low) * from_peak

    def get_config(self):
        return {"low": self.low, "high": self.high, "steps_up": self.steps_up}
`;

function optimizerLine(learningRate: string, config: SweepPart["config"]): string {
  const name = config["optimizer"];
  if (typeof name !== "string" || !OPTIMIZERS.has(name)) {
    return `learning_rate = ${learningRate}  # for your own optimizer`;
  }
  const settings = decisiveSettings(config["optimizer_settings"]).map(
    ([key, value]) => `, ${key}=${value === true ? "True" : String(value)}`,
  );
  return `optimizer = keras.optimizers.${name}(learning_rate=${learningRate}${settings.join("")})`;
}

/** All snippets in one file. */
export function kerasFile(run: string, snippets: readonly Snippet[]): string {
  // A run name with a line break must not become code.
  const title = `"""Learning rates from the sweep ${JSON.stringify(run).replaceAll('"', "'")}."""`;
  const parts = snippets.map(
    ({ name, values, code }) => `# ${name}: ${values}\n${code.replace(IMPORT, "").trim()}\n`,
  );
  return [title, "", IMPORT, ...parts].join("\n");
}
