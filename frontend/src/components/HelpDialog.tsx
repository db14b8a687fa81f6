import { mdiClose } from "@mdi/js";
import { type ReactNode, useEffect, useRef } from "react";
import type { Rules } from "../api/runs";
import { Icon } from "./Icon";

interface HelpDialogProps {
  rules: Rules | undefined;
  onClose: () => void;
}

/** How to read the charts, what the rules do, and when not to trust them. */
export function HelpDialog({ rules, onClose }: HelpDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    // A modal dialog traps the focus, closes with Escape, and restores the focus.
    dialog.current?.showModal();
  }, []);
  return (
    <dialog
      ref={dialog}
      className="help"
      aria-labelledby="help-title"
      onClose={onClose}
      onClick={(event) => {
        // A click on the dialog itself is on the backdrop: its content is in a child that fills it.
        if (event.target === dialog.current) dialog.current.close();
      }}
    >
      <div className="help-page">
        <header className="panel-title">
          <h2 id="help-title">How to read the charts</h2>
          <button
            type="button"
            className="icon-button"
            aria-label="Close help"
            onClick={() => {
              dialog.current?.close();
            }}
          >
            <Icon path={mdiClose} />
          </button>
        </header>
        <div className="help-text" tabIndex={0} role="region" aria-label="Help">
          <Charts />
          <Section title="Rules">
            <p>
              Each rule derives one learning rate from the smoothed curve, up to where the loss
              diverges.
            </p>
            <dl>
              {rules?.rules.map(({ name, label, description, formula, source }) => (
                <div key={name}>
                  <dt>
                    {label}
                    {name === rules.default && <span className="tag">default</span>}
                  </dt>
                  <dd>
                    {description} <code>{formula}</code> <small>{source}</small>
                  </dd>
                </div>
              ))}
            </dl>
          </Section>
          <Uses />
          <Doubts />
          <Controls />
          <References />
        </div>
      </div>
    </dialog>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

function Charts() {
  return (
    <Section title="Charts">
      <p>
        A sweep raises the learning rate step by step and records the loss of each batch. The loss
        stays flat while the learning rate is too small to matter, falls where the model learns, and
        rises when the steps become too large.
      </p>
      <dl>
        <Entry term="Thick curve">
          The loss, smoothed by a Gaussian over decades of learning rate. The faint curve is the raw
          loss.
        </Entry>
        <Entry term="Dot on the curve, tick on the axis">
          The suggested learning rate; hollow if unreliable.
        </Entry>
        <Entry term="Dashed line with a pill">
          The learning rate for a configuration, or the suggestion of the focused run.
        </Entry>
        <Entry term="Thin curves">
          The sweeps of a configuration; the thick curve is their median.
        </Entry>
        <Entry term="Very faint curve">
          A sweep without a clear suggestion, or with far larger losses than the others: the axes do
          not fit it.
        </Entry>
        <Entry term="Ring">The minimum of the smoothed loss.</Entry>
        <Entry term="Red dotted line and tint">
          The loss has diverged from here on; the rules ignore what follows.
        </Entry>
        <Entry term="Grey tint, dashed curve">Steps that the rules skip, see the settings.</Entry>
        <Entry term="Loss delta">
          The change of the loss per batch, over a window of batches, or per decade of learning
          rate. At its minimum the loss falls fastest.
        </Entry>
        <Entry term="Trials">
          Trainings at one learning rate each, to validate a suggestion. A dot is the final
          validation loss, its bar the gap to the training loss. A cross is a trial that diverged, a
          hollow dot a trial with a schedule.
        </Entry>
      </dl>
    </Section>
  );
}

function Uses() {
  return (
    <Section title="Using the suggestion">
      <p>
        The suggestion is for a short training at a constant learning rate. For a training several
        times longer, use about a third of it. The peak of a one-cycle schedule may be about three
        times as large, and a cyclical learning rate ranges from where the loss starts to fall to
        that peak. These values are shown with the other rules, and the menu “Keras code” has the
        code for each.
      </p>
    </Section>
  );
}

function Doubts() {
  return (
    <Section title="When not to trust it">
      <ul>
        <li>
          The model is already trained (fine-tuning): the loss has no descent. The suggestion is far
          below the increase; run trials around it.
        </li>
        <li>The loss is noisy: use more steps, several batches per step, or larger batches.</li>
        <li>
          The loss did not diverge: the ramp ended too early. Increase <code>end_lr</code>.
        </li>
        <li>
          The rules disagree by more than a decade: most bad suggestions come from such sweeps.
        </li>
        <li>
          The ramp is very long: the model trains during the sweep, so the loss falls at lower
          learning rates than in a sweep of a hundred steps.
        </li>
      </ul>
    </Section>
  );
}

function Controls() {
  return (
    <Section title="Mouse and keyboard">
      <dl>
        <Entry term="Drag across a chart">Zoom in. Double-click to show everything again.</Entry>
        <Entry term="Alt + mouse wheel">Zoom around the pointer.</Entry>
        <Entry term="Click a curve or a run">
          Focus the run; for a group, the sweep whose suggestion is nearest to the median.
        </Entry>
        <Entry term="Shift + click">
          Place a marker, which shows the values of all curves there.
        </Entry>
        <Entry term="← →">
          Move along the points of a curve, or the marker by a hundredth of a decade; with Shift ten
          times as far.
        </Entry>
        <Entry term="↑ ↓">Move to the next curve.</Entry>
        <Entry term="Enter, Esc">Focus the run; reset zoom and focus.</Entry>
        <Entry term="Filter">
          A regular expression on names, conditions, or both, separated by commas:{" "}
          <code>digits, lr &gt; 0.001, optimizer = adam, confidence = low</code>
        </Entry>
        <Entry term="?">Show this help.</Entry>
      </dl>
    </Section>
  );
}

function References() {
  return (
    <Section title="References">
      <ul>
        {REFERENCES.map(({ text, url }) => (
          <li key={url}>
            <a href={url} target="_blank" rel="noreferrer">
              {text}
            </a>
          </li>
        ))}
      </ul>
    </Section>
  );
}

const REFERENCES = [
  {
    text: "Smith 2015, Cyclical Learning Rates for Training Neural Networks",
    url: "https://arxiv.org/abs/1506.01186",
  },
  {
    text: "Smith & Topin 2017, Super-Convergence: one cycle with large learning rates",
    url: "https://arxiv.org/abs/1708.07120",
  },
  {
    text: "Smith 2018, A Disciplined Approach to Neural Network Hyper-Parameters",
    url: "https://arxiv.org/abs/1803.09820",
  },
];

function Entry({ term, children }: { term: string; children: ReactNode }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{children}</dd>
    </div>
  );
}
