import { fireEvent, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Chart } from "../src/chart/Chart";
import { CursorStore } from "../src/chart/cursor";
import { MARGIN } from "../src/chart/frame";
import { moveByKey } from "../src/chart/marker";
import { NO_MARKS } from "../src/chart/series";
import { MarkerField } from "../src/components/MarkerField";
import { MarkerReadout } from "../src/components/MarkerReadout";
import { readAt } from "../src/state/marker";
import { makeSeries } from "./sweeps";

const PLOT = 400;

/** Pixels of a learning rate on an axis of four decades. */
const pixel = (x: number) => MARGIN.left + (PLOT * Math.log10(x / 1e-4)) / 4;

describe("the marker on a chart", () => {
  beforeEach(() => {
    vi.spyOn(Element.prototype, "getBoundingClientRect").mockReturnValue(
      DOMRect.fromRect({ width: MARGIN.left + PLOT + MARGIN.right, height: 300 }),
    );
    // happy-dom has no pointers that could be captured.
    Element.prototype.setPointerCapture = () => undefined;
  });

  function draw(x: number | null) {
    const onMove = vi.fn<(x: number | null) => void>();
    const onZoom = vi.fn();
    const onPick = vi.fn();
    const onEscape = vi.fn();
    render(
      <Chart
        name="loss"
        label="Loss"
        height={300}
        drawing={{ series: [makeSeries()], marks: NO_MARKS, legend: [], emphasis: null }}
        x={{ full: [1e-4, 1], visible: [1e-4, 1] }}
        y={{ domain: [0, 8], log: false, title: "Loss" }}
        marker={{ x, text: "learning rate 1e-2", onMove }}
        cursor={new CursorStore()}
        points={{ tooltip: { columns: [], cells: () => [] }, announce: () => "" }}
        actions={{ onZoom, onReset: vi.fn(), onPick, onEscape }}
      />,
    );
    return { box: screen.getByRole("application"), onMove, onZoom, onPick, onEscape };
  }

  it("is placed by Shift+click, which picks no curve", () => {
    const { box, onMove, onPick } = draw(null);
    expect(screen.queryByRole("slider")).toBeNull();
    const place = { button: 0, shiftKey: true, clientX: pixel(1e-2), clientY: 200 };
    fireEvent.pointerDown(box, place);
    fireEvent.pointerUp(box, place);
    expect(onMove.mock.calls[0]?.[0]).toBeCloseTo(1e-2, 8);
    expect(onPick).not.toHaveBeenCalled();
  });

  it("is at its learning rate and follows the pointer to the ends of the axis", () => {
    const { onMove, onZoom } = draw(1e-2);
    expect(Number(screen.getByTestId("own-marker").dataset["x"])).toBeCloseTo(pixel(1e-2), 6);
    const handle = screen.getByRole("slider", { name: "Marker" });
    expect(handle.getAttribute("aria-valuetext")).toBe("learning rate 1e-2");
    fireEvent.pointerDown(handle, { button: 0, clientX: pixel(1e-2) });
    fireEvent.pointerMove(handle, { clientX: pixel(1e-1) });
    expect(onMove.mock.lastCall?.[0]).toBeCloseTo(1e-1, 8);
    fireEvent.pointerMove(handle, { clientX: 9999 });
    expect(onMove.mock.lastCall?.[0]).toBeCloseTo(1, 8);
    fireEvent.pointerUp(handle, { clientX: 9999 });
    fireEvent.pointerMove(handle, { clientX: pixel(1e-3) });
    expect(onMove).toHaveBeenCalledTimes(2);
    expect(onZoom).not.toHaveBeenCalled();
  });

  it("is removed by Escape, which then does not affect the chart", () => {
    const { box, onMove, onEscape } = draw(1e-2);
    fireEvent.keyDown(screen.getByRole("slider"), { key: "Escape" });
    expect(onMove).toHaveBeenCalledExactlyOnceWith(null);
    expect(onEscape).not.toHaveBeenCalled();
    expect(document.activeElement).toBe(box);
  });

  it("is not drawn out of view", () => {
    draw(10);
    expect(screen.queryByTestId("own-marker")).toBeNull();
    expect(screen.queryByRole("slider")).toBeNull();
  });
});

describe("keys", () => {
  const press = (key: string, shiftKey = false, x = 1e-2) =>
    moveByKey(x, { key, shiftKey }, [1e-4, 1]);

  it("move it by a hundredth of a decade, ten times as far with Shift", () => {
    expect(Math.log10(press("ArrowRight") ?? NaN)).toBeCloseTo(-1.99, 10);
    expect(Math.log10(press("ArrowDown") ?? NaN)).toBeCloseTo(-2.01, 10);
    expect(Math.log10(press("ArrowLeft", true) ?? NaN)).toBeCloseTo(-2.1, 10);
  });

  it("keep it on the axis", () => {
    expect([press("Home"), press("End")]).toEqual([1e-4, 1]);
    expect(press("ArrowRight", false, 1)).toBe(1);
    expect(press("ArrowLeft", true, 1e-4)).toBe(1e-4);
  });

  it("remove it, or are ignored", () => {
    expect(["Delete", "Backspace", "Escape"].map((key) => press(key))).toEqual([null, null, null]);
    expect(press("a")).toBeUndefined();
  });
});

describe("readings", () => {
  const raw = Float32Array.of(2.5, 2, 1.5, 1, 9);
  const high = makeSeries({ id: "high", y: Float32Array.of(2, 2, 2, 2, 2), raw });
  const low = makeSeries({ id: "low", y: Float32Array.of(1, 1, 1, 1, 1) });
  const short = makeSeries({ id: "short", x: Float32Array.of(1e-4, 1e-3) });
  const lost = makeSeries({ id: "lost", y: new Float32Array(5).fill(NaN) });
  const delta = makeSeries({ id: "high", y: Float32Array.of(0, -1, -2, -3, 4) });

  it("are of the nearest row, lowest first, without curves that end before", () => {
    const readings = readAt(0.02, [lost, high, short, low], [delta], null, () => null);
    expect(readings.map(({ id }) => id)).toEqual(["low", "high", "lost"]);
    expect(readings[1]).toMatchObject({ smoothed: 2, raw: 1.5, delta: -2 });
    expect(readings[1]?.learningRate).toBeCloseTo(1e-2, 6);
    expect(readings[0]).toMatchObject({ raw: null, delta: null });
  });

  it("start with the active run, and include raw losses that are not drawn", () => {
    const readings = readAt(1e-4, [high, low], [], "high", (id) => (id === "low" ? raw : null));
    expect(readings.map(({ id }) => id)).toEqual(["high", "low"]);
    expect(readings[1]?.raw).toBe(2.5);
  });

  it("are listed up to eight", () => {
    const many = Array.from({ length: 11 }, (_, i) =>
      makeSeries({ id: `${i}`, label: `run ${i}` }),
    );
    const readings = readAt(1e-2, many, [], null, () => null);
    render(<MarkerReadout learningRate={1e-2} readings={readings} deltaName="Delta" />);
    expect(screen.getAllByRole("row")).toHaveLength(9);
    expect(screen.getByText("3 more")).toBeTruthy();
    expect(within(screen.getByRole("table")).getByText("Values at the marker, 0.01")).toBeTruthy();
  });
});

describe("the field", () => {
  it("takes effect on Enter, not while typing", async () => {
    const onChange = vi.fn();
    render(<MarkerField value={null} onChange={onChange} />);
    const field = screen.getByLabelText("Marker");
    await userEvent.type(field, "2.5e-3");
    expect(onChange).not.toHaveBeenCalled();
    await userEvent.type(field, "{Enter}");
    expect(onChange).toHaveBeenCalledExactlyOnceWith(0.0025);
  });

  it("marks an invalid learning rate, and keeps the marker", async () => {
    const onChange = vi.fn();
    render(<MarkerField value={0.01} onChange={onChange} />);
    const field = screen.getByLabelText<HTMLInputElement>("Marker");
    await userEvent.clear(field);
    await userEvent.type(field, "-3{Enter}");
    expect(field.getAttribute("aria-invalid")).toBe("true");
    await userEvent.tab();
    expect(onChange).not.toHaveBeenCalled();
    expect(field.value).toBe("0.01");
  });

  it("removes the marker by its button, by Escape, and when it is emptied", async () => {
    const onChange = vi.fn();
    render(<MarkerField value={0.01} onChange={onChange} />);
    await userEvent.click(screen.getByRole("button", { name: "Remove the marker" }));
    await userEvent.type(screen.getByLabelText("Marker"), "{Escape}");
    await userEvent.clear(screen.getByLabelText("Marker"));
    await userEvent.tab();
    expect(onChange.mock.calls).toEqual([[null], [null], [null]]);
  });
});
