import { act, fireEvent, render, screen, within } from "@testing-library/react";
import { createRef } from "react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  Chart,
  type ChartActions,
  type ChartHandle,
  type ChartProps,
  type Drawing,
} from "../src/chart/Chart";
import { CursorStore } from "../src/chart/cursor";
import { MARGIN } from "../src/chart/frame";
import type { Marks } from "../src/chart/series";
import { makeSeries } from "./sweeps";

const PLOT = 400;
const WIDTH = MARGIN.left + PLOT + MARGIN.right;
const NO_MARKS: Marks = { points: [], guides: [], ring: null, limit: null, shaded: [] };

beforeEach(() => {
  vi.spyOn(Element.prototype, "getBoundingClientRect").mockReturnValue(
    DOMRect.fromRect({ width: WIDTH, height: 300 }),
  );
  // happy-dom has no pointers that could be captured.
  Element.prototype.setPointerCapture = () => undefined;
});

function draw(drawing: Partial<Drawing> = {}, changes: Partial<ChartProps> = {}) {
  const props: ChartProps = {
    name: "loss",
    label: "Loss",
    height: 300,
    x: { full: [1e-4, 1], visible: [1e-4, 1] },
    y: { domain: [0, 3], log: false, title: "Loss" },
    cursor: new CursorStore(),
    points: {
      tooltip: { columns: ["Index"], cells: (_, index) => [String(index)] },
      announce: (id, index) => `${id} at ${index}`,
    },
    actions: { onZoom: vi.fn(), onReset: vi.fn(), onPick: vi.fn(), onEscape: vi.fn() },
    ...changes,
    drawing: {
      series: [
        makeSeries({ id: "high", label: "high", y: Float32Array.of(2, 2, 2, 2, 2) }),
        makeSeries({ id: "low", label: "low", y: Float32Array.of(1, 1, 1, 1, 1) }),
      ],
      marks: NO_MARKS,
      legend: [],
      emphasis: null,
      ...drawing,
    },
  };
  render(<Chart {...props} />);
  const box = screen.getByRole("application");
  /** Pixels of a learning rate and, from the top of the box, of a value. */
  const at = (x: number, y: number) => {
    const svg = screen.getByTestId("loss-chart");
    const [low, high] = JSON.parse(svg.dataset["yDomain"] ?? "") as [number, number];
    const [bottom, top] = JSON.parse(svg.dataset["yRange"] ?? "") as [number, number];
    return {
      clientX: MARGIN.left + (PLOT * Math.log10(x / 1e-4)) / 4,
      clientY: bottom + ((top - bottom) * (y - low)) / (high - low),
    };
  };
  return { props, box, at };
}

/** The range of the first zoom. */
function zoomed(props: ChartProps): readonly [number, number] {
  const onZoom = props.actions.onZoom as NonNullable<ChartActions["onZoom"]>;
  return vi.mocked(onZoom).mock.calls[0]?.[0] ?? [Number.NaN, Number.NaN];
}

describe("pointer", () => {
  it("highlights the nearest curve, and lists the curves from top to bottom", () => {
    const { props, box, at } = draw();
    fireEvent.pointerMove(box, at(1e-2, 1.2));
    expect(props.cursor.get()).toMatchObject({ seriesId: "low", chart: "loss" });
    expect(props.cursor.get().x).toBeCloseTo(1e-2, 6);
    const names = screen.getAllByRole("row").slice(1);
    expect(names.map((row) => row.textContent)).toEqual(["high2", "low2"]);
    expect(names[1]?.className).toBe("nearest");
    fireEvent.pointerLeave(box);
    expect(props.cursor.get().x).toBeNull();
  });

  it("shows the values at a tap, which stay when the finger is lifted", () => {
    const { props, box, at } = draw();
    const tap = { button: 0, pointerType: "touch", ...at(1e-2, 1.2) };
    fireEvent.pointerDown(box, tap);
    fireEvent.pointerUp(box, tap);
    fireEvent.pointerLeave(box, tap);
    expect(props.cursor.get()).toMatchObject({ seriesId: "low", chart: "loss" });
    expect(screen.getAllByRole("row")).toHaveLength(3);
    fireEvent.blur(box);
    expect(props.cursor.get().x).toBeNull();
  });

  it("picks the thin curves of a group one by one", () => {
    const member = (id: string, level: number) =>
      makeSeries({ id, y: Float32Array.of(level, level, level, level, level) });
    const group = { ...member("group", 1.5), members: [member("a", 1), member("b", 2)] };
    const { props, box, at } = draw({ series: [group] });
    fireEvent.pointerDown(box, { button: 0, ...at(1e-2, 2) });
    fireEvent.pointerUp(box, at(1e-2, 2));
    expect(props.actions.onPick).toHaveBeenCalledExactlyOnceWith("b");
  });

  it("says why there is nothing in the plot, and shows everything again", () => {
    const { props } = draw({}, { x: { full: [1e-4, 100], visible: [10, 100] } });
    expect(screen.getByText(/Nothing was recorded between 10 and 100/)).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "Show everything" }));
    expect(props.actions.onReset).toHaveBeenCalledOnce();
  });

  it("zooms to the dragged range, in either direction", () => {
    const { props, box, at } = draw();
    fireEvent.pointerDown(box, { button: 0, ...at(1e-1, 1) });
    fireEvent.pointerMove(box, at(1e-2, 2));
    fireEvent.pointerUp(box, at(1e-3, 2));
    const [low, high] = zoomed(props);
    expect(low).toBeCloseTo(1e-3, 6);
    expect(high).toBeCloseTo(1e-1, 6);
    expect(props.actions.onPick).not.toHaveBeenCalled();
  });

  it("picks the curve that is clicked, and none far from all", () => {
    const { props, box, at } = draw();
    fireEvent.pointerDown(box, { button: 0, ...at(1e-2, 2) });
    fireEvent.pointerUp(box, at(1e-2, 2));
    expect(props.actions.onPick).toHaveBeenCalledExactlyOnceWith("high");
    fireEvent.pointerDown(box, { button: 0, ...at(1e-2, 0.2) });
    fireEvent.pointerUp(box, at(1e-2, 0.2));
    expect(props.actions.onPick).toHaveBeenCalledOnce();
    expect(props.actions.onZoom).not.toHaveBeenCalled();
  });

  it("resets with a double-click", () => {
    const { props, box } = draw();
    fireEvent.doubleClick(box);
    expect(props.actions.onReset).toHaveBeenCalledOnce();
  });

  it("zooms with the wheel only while Alt is held", () => {
    const { props, box, at } = draw();
    fireEvent.wheel(box, { deltaY: -100, ...at(1e-2, 1) });
    expect(props.actions.onZoom).not.toHaveBeenCalled();
    // happy-dom's WheelEvent takes no modifiers.
    const event = new WheelEvent("wheel", { deltaY: -100, ...at(1e-2, 1), cancelable: true });
    Object.defineProperty(event, "altKey", { value: true });
    Object.defineProperty(event, "clientX", { value: at(1e-2, 1).clientX });
    act(() => {
      box.dispatchEvent(event);
    });
    const [low, high] = zoomed(props);
    expect(Math.sqrt(low * high)).toBeCloseTo(1e-2, 6);
    expect(event.defaultPrevented).toBe(true);
  });
});

describe("keyboard", () => {
  it("moves along a curve and between curves, and announces the point", () => {
    const { props, box } = draw();
    fireEvent.keyDown(box, { key: "ArrowRight" });
    fireEvent.keyDown(box, { key: "ArrowRight" });
    expect(screen.getByText("high at 1")).toBeTruthy();
    fireEvent.keyDown(box, { key: "ArrowDown" });
    expect(screen.getByText("low at 1")).toBeTruthy();
    fireEvent.keyDown(box, { key: "ArrowRight", shiftKey: true });
    expect(screen.getByText("low at 4")).toBeTruthy();
    fireEvent.keyDown(box, { key: "Enter" });
    expect(props.actions.onPick).toHaveBeenCalledExactlyOnceWith("low");
    fireEvent.keyDown(box, { key: "Escape" });
    expect(props.actions.onEscape).toHaveBeenCalledOnce();
    expect(props.cursor.get().x).toBeNull();
  });

  it("starts at the emphasized curve", () => {
    const { box } = draw({ emphasis: "low" });
    fireEvent.keyDown(box, { key: "ArrowRight" });
    expect(screen.getByText("low at 0")).toBeTruthy();
  });
});

describe("marks", () => {
  const guide = (x: number, text: string, seriesId: string | null = null) =>
    ({ x, text, short: String(x), tone: "clear", seriesId }) as const;
  const marks: Marks = {
    points: [
      { seriesId: "high", x: 1e-3, hollow: false },
      { seriesId: "low", x: 1e-2, hollow: true },
    ],
    guides: [guide(1e-3, "Suggested 1e-3")],
    ring: { seriesId: "high", x: 1e-2, text: "min 1e-2" },
    limit: { x: 1e-1, text: "diverged at 1e-1" },
    shaded: [[1e-4, 1e-3]],
  };

  it("are at their learning rates", () => {
    draw({ marks });
    const marker = screen.getByTestId("suggestion-marker");
    expect(Number(marker.dataset["x"])).toBeCloseTo(MARGIN.left + 100, 6);
    const dots = screen.getAllByTestId("suggestion-dot");
    expect(dots.map((dot) => Math.round(Number(dot.getAttribute("cx"))))).toEqual([
      MARGIN.left + 100,
      MARGIN.left + 200,
    ]);
    expect(dots.map((dot) => dot.getAttribute("class"))).toEqual(["filled", "hollow"]);
    expect(screen.getByText("diverged at 1e-1")).toBeTruthy();
  });

  it("are not drawn out of view", () => {
    draw({ marks }, { x: { full: [1e-4, 1], visible: [0.2, 1] } });
    expect(screen.queryByTestId("suggestion-marker")).toBeNull();
    expect(screen.queryByTestId("suggestion-dot")).toBeNull();
    expect(screen.queryByText("min 1e-2")).toBeNull();
  });

  it("keep the pill within the chart and the line at its learning rate", () => {
    draw({
      marks: { ...marks, guides: [guide(1, "Unclear, a long name at 1")] },
    });
    const marker = screen.getByTestId("suggestion-marker");
    expect(Number(marker.querySelector("line")?.getAttribute("x1"))).toBeCloseTo(
      MARGIN.left + PLOT,
    );
    const pill = marker.querySelector("rect");
    const right = Number(pill?.getAttribute("x")) + Number(pill?.getAttribute("width"));
    expect(right).toBeLessThanOrEqual(WIDTH);
  });

  it("put the pills of several guides side by side, in the colors of their curves", () => {
    draw({
      marks: {
        ...NO_MARKS,
        guides: [guide(0.011, "Adam 0.011", "low"), guide(0.01, "SGD 0.01", "high")],
      },
    });
    const boxes = screen.getAllByTestId("suggestion-marker").map((marker) => {
      const pill = marker.querySelector("rect");
      return [Number(pill?.getAttribute("x")), Number(pill?.getAttribute("width"))] as const;
    });
    const [first, second] = boxes;
    expect((second?.[0] ?? NaN) + (second?.[1] ?? NaN)).toBeLessThan(first?.[0] ?? NaN);
    expect(screen.getByText("Adam 0.011")).toBeTruthy();
  });
});

it("makes a self-contained picture", () => {
  const ref = createRef<ChartHandle>();
  draw({}, { ref });
  const picture = ref.current?.picture("Loss, <digits>", "@font-face{}");
  expect(picture?.querySelectorAll("path")).toHaveLength(2);
  expect(picture?.querySelector("style")?.textContent).toBe("@font-face{}");
  expect(picture?.querySelector("[class]")).toBeNull();
  const text = within(picture as unknown as HTMLElement);
  expect(text.getByText("Loss, <digits>")).toBeTruthy();
  expect(text.getByText("high")).toBeTruthy();
});
