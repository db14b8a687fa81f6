import { type ScaleContinuousNumeric, scaleLinear, scaleLog } from "d3-scale";
import { formatExactRate } from "../format";
import type { Domain } from "./series";

export type XQuantity = "learning rate" | "epoch";

type Scale = ScaleContinuousNumeric<number, number>;

/** The position of the plot in its box, in CSS pixels, and its scales. */
export interface Frame {
  width: number;
  height: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
  x: Scale;
  y: Scale;
  xLog: boolean;
  yLog: boolean;
  /** Formats a position on the x axis. */
  formatX: (x: number) => string;
}

/** The same for every chart, so that their learning rates are aligned. */
export const MARGIN = { left: 66, right: 26, bottom: 26 } as const;

export interface FrameOptions {
  width: number;
  height: number;
  /** Space above the plot, for the labels of marks. */
  top: number;
  /** Whether there is space below the axis for its title. */
  titled: boolean;
  xDomain: Domain;
  yDomain: Domain;
  yLog: boolean;
  /** Learning rates have a log axis, epochs a linear one. */
  xQuantity?: XQuantity;
}

export function createFrame(options: FrameOptions): Frame {
  const { width, height, top } = options;
  const left = MARGIN.left;
  const right = Math.max(left + 1, width - MARGIN.right);
  const bottom = Math.max(top + 1, height - MARGIN.bottom - (options.titled ? 20 : 0));
  const xLog = options.xQuantity !== "epoch";
  const x = xLog ? scaleLog() : scaleLinear();
  const y = options.yLog ? scaleLog() : scaleLinear();
  return {
    width,
    height,
    left,
    right,
    top,
    bottom,
    x: x.domain(options.xDomain).range([left, right]),
    y: y.domain(options.yDomain).range([bottom, top]),
    xLog,
    yLog: options.yLog,
    formatX: xLog ? formatExactRate : (epoch) => `epoch ${Math.round(epoch)}`,
  };
}

/** Whether `x` is in the visible part of the axis. */
export function inView(frame: Frame, x: number): boolean {
  const [low = 0, high = 0] = frame.x.domain();
  return x >= low * (1 - 1e-6) && x <= high * (1 + 1e-6);
}
