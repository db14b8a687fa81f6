import { mdiArrowExpandHorizontal, mdiFullscreen, mdiFullscreenExit } from "@mdi/js";
import { type ReactNode, type RefObject, useRef } from "react";
import type { SweepSettings } from "../api";
import type { ChartHandle } from "../chart/Chart";
import { formatLearningRate } from "../format";
import type { ColorScale } from "../state/colors";
import type { Legend } from "../state/dashboard";
import { ExportMenu } from "./ExportMenu";
import { Icon } from "./Icon";
import { useFullSize } from "./useFullSize";

interface ChartCardProps {
  name: string;
  title: string;
  subtitle: string;
  run: string | null;
  shown: readonly string[];
  settings: SweepSettings;
  chart: RefObject<ChartHandle | null>;
  scale: ColorScale | null;
  legend?: Legend;
  /** What the colours stand for. */
  scaleName?: string;
  zoomed: boolean;
  onReset: () => void;
  /** In the header, before the buttons. */
  tools?: ReactNode;
  /** Of the chart, as it is at first. */
  height: number;
  /** The chart in the height that it has now, and what belongs to it. */
  children: (height: number) => ReactNode;
}

/** The frame around a chart: what it shows, its colours, and what can be done with it. */
export function ChartCard(props: ChartCardProps) {
  const { name, title, subtitle, run, chart, scale, zoomed, onReset, children } = props;
  const { legend = [], shown, settings } = props;
  const { scaleName = "Suggested LR" } = props;
  const section = useRef<HTMLElement>(null);
  const size = useFullSize(section, props.height);
  return (
    <section
      ref={section}
      className="card chart-card"
      aria-label={title}
      data-testid={`${name}-card`}
    >
      <header>
        <h2>{title}</h2>
        <span className="subtitle" title={subtitle}>
          {subtitle}
        </span>
        {props.tools}
        {scale && <ColorBar scale={scale} name={scaleName} />}
        <button
          type="button"
          className="icon-button"
          aria-label="Show all learning rates"
          title="Show all learning rates (double click)"
          disabled={!zoomed}
          onClick={onReset}
        >
          <Icon path={mdiArrowExpandHorizontal} />
        </button>
        <button
          type="button"
          className="icon-button"
          aria-label={`Full size, ${title.toLowerCase()}`}
          aria-pressed={size.full}
          title={size.full ? "Back to the usual size" : "As high as the window"}
          onClick={size.toggle}
        >
          <Icon path={size.full ? mdiFullscreenExit : mdiFullscreen} />
        </button>
        <ExportMenu title={title} run={run} shown={shown} settings={settings} chart={chart} />
      </header>
      {legend.length > 0 && <ColorLegend legend={legend} />}
      {children(size.height)}
    </section>
  );
}

function ColorLegend({ legend }: { legend: Legend }) {
  return (
    <ul className="legend" aria-label="Colours">
      {legend.map(({ label, color }) => (
        <li key={label}>
          <span className="dot" style={{ background: color }} />
          {label}
        </li>
      ))}
    </ul>
  );
}

function ColorBar({ scale, name }: { scale: ColorScale; name: string }) {
  const { low, high, color } = scale;
  const stops = [0, 0.2, 0.4, 0.6, 0.8, 1].map((t) => color(low * (high / low) ** t));
  return (
    <span className="color-bar">
      {name} <b>{formatLearningRate(low)}</b>
      <span className="bar" style={{ background: `linear-gradient(90deg, ${stops.join(", ")})` }} />
      <b>{formatLearningRate(high)}</b>
    </span>
  );
}
