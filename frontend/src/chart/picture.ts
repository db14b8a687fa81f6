import { BAND_ALPHA, DASH, strokesOf } from "./Curves";
import type { Frame } from "./frame";
import { textWidth } from "./labels";
import type { Legend, Series } from "./series";
import { type Pen, segments, trace, traceBand } from "./trace";

const SVG = "http://www.w3.org/2000/svg";

/** Styles that the stylesheet sets in the chart, and that a standalone picture has to contain. */
const STYLES = [
  "fill",
  "fill-opacity",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "stroke-opacity",
  "opacity",
  "font-size",
  "font-weight",
  "paint-order",
  "shape-rendering",
] as const;

interface PictureOptions {
  frame: Frame;
  series: readonly Series[];
  /** Replaces the names of the curves. */
  legend: Legend;
  emphasis: string | null;
  title: string;
  /** @font-face rules with the font data: a picture cannot load anything. */
  fontStyles: string;
}

const LEGEND_ROW = 18;
const MAX_LEGEND = 48;
const HEAD = 30;

/**
 * A self-contained SVG of the chart in `box`: the grid and marks as on the screen, the curves as paths,
 * a legend, and the font.
 */
export function pictureOf(box: Element, options: PictureOptions): SVGSVGElement {
  const { frame, series, title } = options;
  const under = box.querySelector("svg.under");
  const over = box.querySelector("svg.over");
  const named = options.legend.length > 0 ? options.legend : series;
  const legend = named.slice(0, MAX_LEGEND).map(({ label, color }) => ({ label, color }));
  const rest = named.length - legend.length;
  if (rest > 0) legend.push({ label: `${rest} more`, color: "none" });
  const columns = columnsOf(frame, legend);
  const rows = Math.ceil(legend.length / columns);
  const height = HEAD + frame.height + rows * LEGEND_ROW + 12;
  const css = getComputedStyle(box);
  const root = create("svg", {
    width: frame.width,
    height,
    viewBox: `0 0 ${frame.width} ${height}`,
    "font-family": "Roboto, Arial, sans-serif",
    "font-size": 12,
  }) as SVGSVGElement;
  const style = create("style", {});
  style.textContent = options.fontStyles;
  const clipId = "plot";
  const clip = create("clipPath", { id: clipId });
  clip.append(
    create("rect", {
      x: frame.left,
      y: frame.top,
      width: frame.right - frame.left,
      height: frame.bottom - frame.top,
    }),
  );
  const textColor = css.color;
  const background = css.getPropertyValue("--card").trim() || "#ffffff";
  const chart = create("g", { transform: `translate(0 ${HEAD})` });
  if (under) chart.append(...copies(under));
  chart.append(curves(options, clipId));
  if (over) chart.append(...copies(over));
  root.append(
    style,
    clip,
    create("rect", { width: "100%", height: "100%", fill: background }),
    text(title, { x: 13, y: 21, fill: textColor, "font-size": 15, "font-weight": 500 }),
    chart,
  );
  legend.forEach(({ label, color }, i) => {
    // Down the columns, as one reads a list.
    const x = frame.left + (Math.floor(i / rows) * (frame.right - frame.left)) / columns;
    const y = HEAD + frame.height + (i % rows) * LEGEND_ROW + 12;
    root.append(create("circle", { cx: x + 5, cy: y - 4, r: 5, fill: color }));
    root.append(text(label, { x: x + 18, y, fill: textColor }));
  });
  return root;
}

/** How many columns of a legend fit below the plot. */
function columnsOf(frame: Frame, legend: Legend): number {
  const widest = Math.max(1, ...legend.map(({ label }) => textWidth(label)));
  const fitting = Math.floor((frame.right - frame.left) / (1.1 * widest + 34));
  return Math.max(1, Math.min(fitting, legend.length));
}

function curves({ frame, series, emphasis }: PictureOptions, clipId: string): Element {
  const group = create("g", { "clip-path": `url(#${clipId})`, fill: "none" });
  const strokes = strokesOf(series, emphasis, 1);
  for (const { series: one, line } of strokes) {
    const { band, color } = one;
    if (!band) continue;
    const d = pathData((pen) => {
      traceBand(pen, frame, one.x, band);
    });
    group.append(create("path", { d, fill: color, "fill-opacity": BAND_ALPHA * line.alpha }));
  }
  for (const { series: one, raw } of strokes) {
    if (!raw || !one.raw) continue;
    const d = pathData((pen) => {
      trace(pen, frame, one.x, one.raw ?? one.y);
    });
    group.append(path(d, one.color, raw.width, raw.alpha));
  }
  for (const { series: one, line } of strokes) {
    for (const { from, to, dashed } of segments(one)) {
      const d = pathData((pen) => {
        trace(pen, frame, one.x, one.y, from, to);
      });
      const element = path(d, one.color, line.width, line.alpha);
      if (dashed) element.setAttribute("stroke-dasharray", DASH.join(" "));
      group.append(element);
    }
  }
  return group;
}

function path(d: string, color: string, width: number, alpha: number): Element {
  return create("path", {
    d,
    stroke: color,
    "stroke-width": width,
    "stroke-opacity": alpha,
    "stroke-linejoin": "round",
  });
}

/** The `d` attribute of a path that is drawn with a pen. */
export function pathData(draw: (pen: Pen & { closePath(): void }) => void): string {
  const parts: string[] = [];
  const rounded = (value: number) => String(Math.round(value * 100) / 100);
  draw({
    moveTo: (x, y) => parts.push(`M${rounded(x)},${rounded(y)}`),
    lineTo: (x, y) => parts.push(`L${rounded(x)},${rounded(y)}`),
    closePath: () => parts.push("Z"),
  });
  return parts.join("");
}

/** Copies of the children of an SVG on the screen, with their styles as attributes. */
function copies(svg: Element): Element[] {
  const copied: Element[] = [];
  for (const child of svg.children) {
    // The pointer is not part of the picture.
    if (child.matches(".crosshair, .brush")) continue;
    const clone = child.cloneNode(true) as Element;
    const originals = [child, ...child.querySelectorAll("*")];
    [clone, ...clone.querySelectorAll("*")].forEach((element, i) => {
      const original = originals[i];
      if (!original) return;
      const style = getComputedStyle(original);
      for (const name of STYLES) {
        const value = style.getPropertyValue(name);
        if (value !== "" && value !== "normal") element.setAttribute(name, value);
      }
      element.removeAttribute("class");
    });
    copied.push(clone);
  }
  return copied;
}

function text(content: string, attributes: Record<string, string | number>): Element {
  const element = create("text", attributes);
  element.textContent = content;
  return element;
}

function create(name: string, attributes: Record<string, string | number>): Element {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

export function svgBlob(picture: SVGSVGElement): Blob {
  const source = new XMLSerializer().serializeToString(picture);
  return new Blob([source], { type: "image/svg+xml" });
}

/** The picture as a PNG, at twice the size for print and high-density screens. */
export async function pngBlob(picture: SVGSVGElement): Promise<Blob> {
  const scale = 2;
  const url = URL.createObjectURL(svgBlob(picture));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = scale * Number(picture.getAttribute("width"));
    canvas.height = scale * Number(picture.getAttribute("height"));
    const context = canvas.getContext("2d");
    context?.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) => {
      canvas.toBlob((blob) => {
        if (blob) resolve(blob);
        else reject(new Error("The browser could not create a PNG of this size."));
      }, "image/png");
    });
  } finally {
    URL.revokeObjectURL(url);
  }
}
