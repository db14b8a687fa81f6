import {
  mdiArrowExpandHorizontal,
  mdiChevronDown,
  mdiChevronRight,
  mdiFullscreen,
  mdiFullscreenExit,
} from "@mdi/js";
import { type ReactNode, type Ref, useRef } from "react";
import type { ChartHandle } from "../chart/Chart";
import type { Legend } from "../chart/series";
import { formatLearningRate } from "../format";
import type { ColorScale } from "../state/colors";
import { useDispatch, useView } from "../state/context";
import { sweepSettings } from "../state/settings";
import { ExportMenu } from "./ExportMenu";
import { Icon } from "./Icon";
import { useFullSize } from "./useFullSize";

/** What the colors of a chart stand for: nothing, a scale or a legend. */
export interface CardColors {
  scale: ColorScale | null;
  /** What the scale shows. */
  scaleName: string;
  legend: Legend;
}

interface ChartCardProps {
  name: string;
  title: string;
  subtitle: string;
  /** What the chart shows in a few words, the active run, and all shown sweeps. */
  exported: { subject: string; run: string | null; shown: readonly string[] };
  colors?: CardColors;
  /** Whether the chart has the learning rate axis that all cards share. */
  zoomable?: boolean;
  /** Shown in the header, before the buttons. */
  tools?: ReactNode;
  /** Whether the chart is unfolded, if it can be folded. */
  fold?: { open: boolean; onToggle: () => void };
  /** The initial height of the chart. */
  height: number;
  /** The chart, with these props. */
  children: (chart: { ref: Ref<ChartHandle>; height: number }) => ReactNode;
}

/** The frame around a chart: title, colors and actions. */
export function ChartCard(props: ChartCardProps) {
  const { name, title, subtitle, exported, colors, zoomable = true, fold, children } = props;
  const view = useView();
  const dispatch = useDispatch();
  const section = useRef<HTMLElement>(null);
  const chart = useRef<ChartHandle>(null);
  const size = useFullSize(section, props.height);
  const open = fold?.open ?? true;
  return (
    <section
      ref={section}
      className={`card chart-card ${size.full ? "full" : ""}`}
      aria-label={title}
      data-testid={`${name}-card`}
    >
      <header>
        <h2>
          {fold ? (
            <button
              type="button"
              className="fold"
              aria-expanded={fold.open}
              onClick={fold.onToggle}
            >
              <Icon path={fold.open ? mdiChevronDown : mdiChevronRight} />
              {title}
            </button>
          ) : (
            title
          )}
        </h2>
        <span className="subtitle" title={subtitle}>
          {subtitle}
        </span>
        {open && props.tools}
        {open && (
          <>
            {colors?.scale && <ColorBar scale={colors.scale} name={colors.scaleName} />}
            <button
              type="button"
              className="icon-button"
              aria-label="Show all learning rates"
              title="Show all learning rates (double-click)"
              disabled={!zoomable || view.zoom === null}
              onClick={() => {
                dispatch({ type: "zoom", zoom: null });
              }}
            >
              <Icon path={mdiArrowExpandHorizontal} />
            </button>
            <button
              type="button"
              className="icon-button"
              aria-label={`Full size, ${title.toLowerCase()}`}
              aria-pressed={size.full}
              title={size.full ? "Restore (Esc)" : "Fill the window"}
              onClick={size.toggle}
            >
              <Icon path={size.full ? mdiFullscreenExit : mdiFullscreen} />
            </button>
            <ExportMenu
              title={title}
              {...exported}
              settings={sweepSettings(view.settings)}
              chart={chart}
            />
          </>
        )}
      </header>
      {open && colors && colors.legend.length > 0 && <ColorLegend legend={colors.legend} />}
      <Body open={open} chart={chart} height={size.height} content={children} />
    </section>
  );
}

interface BodyProps {
  open: boolean;
  chart: Ref<ChartHandle>;
  height: number;
  content: ChartCardProps["children"];
}

function Body({ open, chart, height, content }: BodyProps) {
  return open ? content({ ref: chart, height }) : null;
}

function ColorLegend({ legend }: { legend: Legend }) {
  return (
    <ul className="legend" aria-label="Colors">
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
