import { mdiClose } from "@mdi/js";
import { type ReactNode, useEffect, useRef } from "react";
import type { Rules } from "../api";
import { Icon } from "./Icon";

interface HelpDialogProps {
  rules: Rules | undefined;
  onClose: () => void;
}

/** What the picture means, what the rules do, and when not to trust them. */
export function HelpDialog({ rules, onClose }: HelpDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    // A modal dialog keeps the focus inside, closes with Escape, and gives the focus back.
    dialog.current?.showModal();
  }, []);
  return (
    <dialog
      ref={dialog}
      className="help"
      aria-labelledby="help-title"
      onClose={onClose}
      onClick={(event) => {
        // Its own box is the backdrop; what is written lies in a child that fills it.
        if (event.target === dialog.current) dialog.current.close();
      }}
    >
      <div className="help-page">
        <header className="panel-title">
          <h2 id="help-title">How to read this</h2>
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
          <Picture />
          <Section title="The rules">
            <p>
              Each rule reads one learning rate off the smoothed curve, up to where the loss
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

function Picture() {
  return (
    <Section title="The picture">
      <p>
        A sweep raises the learning rate step by step and records the loss of each batch. The loss
        stays flat while the learning rate is too small to matter, falls where the model learns, and
        rises when the steps become too large.
      </p>
      <dl>
        <Entry term="Thick curve">
          The smoothed loss: a Gaussian over decades of learning rate. The faint one is the loss as
          it was.
        </Entry>
        <Entry term="Dot on the curve, tick on the axis">
          The suggested learning rate; hollow where it is not to be relied on.
        </Entry>
        <Entry term="Dashed line with a pill">The suggestion of the run that is in focus.</Entry>
        <Entry term="Ring">Where the smoothed loss is lowest.</Entry>
        <Entry term="Red dotted line and tint">
          From here on the loss has diverged. Rules do not look beyond it.
        </Entry>
        <Entry term="Grey tint, dashed curve">Steps that you have had the rules skip.</Entry>
        <Entry term="Loss delta">
          How much the loss changes per batch, over a window of batches, or per decade: the deepest
          point is where it falls fastest.
        </Entry>
        <Entry term="Trials">
          Trainings at one learning rate each. A dot is the final validation loss, the bar is the
          gap to the training loss, a cross is a trial that diverged, a hollow dot one with a
          schedule. They prove what a sweep only suggests.
        </Entry>
      </dl>
    </Section>
  );
}

function Uses() {
  return (
    <Section title="One curve, three uses">
      <p>
        The suggestion is for a short training at a constant learning rate. A training several times
        longer wants about a third of it; the peak of one cycle may be about three times as large; a
        cyclical learning rate runs from where the loss begins to fall up to that peak. They stand
        below the rules, and the menu “Keras code” writes each of them out.
      </p>
    </Section>
  );
}

function Doubts() {
  return (
    <Section title="When not to trust it">
      <ul>
        <li>
          The model is trained already (fine-tuning): there is no descent to read from. Run trials
          below the rise.
        </li>
        <li>The loss is noisy: more steps, several batches a step, or larger batches help.</li>
        <li>The loss never diverged: the ramp ended too early, so raise its end.</li>
        <li>
          The rules disagree by more than a decade: this is where most bad suggestions come from.
        </li>
        <li>
          A very long ramp trains on its way, and its descent lies further left than that of a
          hundred steps.
        </li>
      </ul>
    </Section>
  );
}

function Controls() {
  return (
    <Section title="Mouse and keyboard">
      <dl>
        <Entry term="Drag across a chart">Zoom; a double click shows everything again.</Entry>
        <Entry term="Alt and the wheel">Zoom around the pointer.</Entry>
        <Entry term="Click a curve or a run">
          Put it in focus; of a group, the sweep whose suggestion is nearest to its median.
        </Entry>
        <Entry term="Shift and a click">Put a marker, and read every curve there.</Entry>
        <Entry term="← →">
          Along the points of a curve; with Shift ten at a time, or a marker by a tenth of a decade.
        </Entry>
        <Entry term="↑ ↓">From curve to curve.</Entry>
        <Entry term="Enter, Esc">Focus the curve; reset zoom and focus.</Entry>
        <Entry term="?">This help.</Entry>
      </dl>
    </Section>
  );
}

function References() {
  return (
    <Section title="Where it comes from">
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
