import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Run } from "../src/api/runs";
import type { Sweep } from "../src/api/sweeps";
import { App } from "../src/components/App";
import { makeRun, makeSweep, packed, RULES } from "./sweeps";

/** Responds like the server with these runs and sweeps; records the requests. */
class Server {
  runs: Run[] = [makeRun("digits/adam"), makeRun("digits/sgd"), makeRun("flat")];
  readonly sweeps = new Map<string, Sweep>();
  readonly requested: string[] = [];
  down: Response | null = null;
  notice: string | null = null;

  fetch = (url: string): Promise<Response> => {
    this.requested.push(url);
    if (this.down) return Promise.resolve(this.down.clone());
    return Promise.resolve(new Response(JSON.stringify(this.#answer(url))));
  };

  #answer(url: string): unknown {
    const [route, query] = url.split("?");
    if (route === "runs") return { runs: this.runs, notice: this.notice };
    if (route === "rules") return RULES;
    const names = new URLSearchParams(query).getAll("run");
    return { sweeps: names.map((name) => this.#sweep(name)), errors: [] };
  }

  #sweep(name: string): unknown {
    const sweep = this.sweeps.get(name) ?? makeSweep(name);
    const columns = Object.entries(sweep.columns).map(([column, values]) => [
      column,
      packed(values as Float32Array),
    ]);
    return { ...sweep, columns: Object.fromEntries(columns) as unknown };
  }
}

let server: Server;

beforeEach(() => {
  server = new Server();
  vi.stubGlobal("fetch", server.fetch);
  location.hash = "";
  // happy-dom lays nothing out; charts draw only what has a width, lists what has a height.
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(800);
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(600);
  vi.spyOn(Element.prototype, "getBoundingClientRect").mockReturnValue(
    DOMRect.fromRect({ width: 800, height: 300 }),
  );
});

afterEach(() => {
  vi.unstubAllGlobals();
});

function open() {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(
    <QueryClientProvider client={client}>
      <App />
    </QueryClientProvider>,
  );
  return userEvent.setup();
}

async function answer() {
  return within(await screen.findByTestId("answer-card"));
}

describe("several runs", () => {
  it("of one configuration have one answer, and one is shown in detail when clicked", async () => {
    server.sweeps.set(
      "digits/sgd",
      makeSweep("digits/sgd", {
        suggestion: { rule: "mid_descent", learning_rate: 0.002, reason: null },
      }),
    );
    server.runs = [makeRun("digits/adam"), makeRun("digits/sgd")];
    const user = open();
    const card = await answer();
    expect(card.getByTestId("answer-lr").textContent).toBe("0.0014");
    expect(card.getByText("2 sweeps")).toBeTruthy();
    expect(card.getByText("0.001 – 0.002")).toBeTruthy();
    expect(card.getByText("High")).toBeTruthy();
    await user.click(screen.getAllByTitle("digits/sgd")[0] as HTMLElement);
    expect((await answer()).getByTestId("suggested-lr").textContent).toBe("0.002");
    expect((await answer()).getByText("the loss diverged")).toBeTruthy();
    await user.click(screen.getByLabelText("Show all runs", { selector: "button" }));
    expect((await answer()).queryByTestId("suggested-lr")).toBeNull();
  });

  it("have one row for each configuration, and no number over all of them", async () => {
    server.runs = [makeRun("adam"), makeRun("again"), makeRun("sgd", { optimizer: "SGD" })];
    server.sweeps.set(
      "sgd",
      makeSweep("sgd", { suggestion: { rule: "mid_descent", learning_rate: 0.05, reason: null } }),
    );
    const user = open();
    const card = await answer();
    const texts = () => card.getAllByRole("row").map(({ textContent }) => textContent);
    await waitFor(() => {
      expect(texts()).toEqual([
        "ConfigurationLearning rateConfidenceSweepsActions",
        "Adam convnet · batch 320.001High2 sweeps (all 0.001)",
        "SGD convnet · batch 320.05High1 sweep ",
      ]);
    });
    await user.click(card.getByRole("button", { name: "Copy 0.05 for SGD convnet · batch 32" }));
    expect(await navigator.clipboard.readText()).toBe("0.05");
    expect(card.getByText("Valley").textContent).toBe("Valley");
    await user.click(card.getByRole("button", { name: /^SGD/ }));
    expect((await answer()).getByTestId("suggested-lr").textContent).toBe("0.05");
    expect(card.getByText(/valley 0.002/)).toBeTruthy();
  });

  it("have a row that says why there is no suggestion", async () => {
    const finding = { code: "flat", severity: "severe" as const, message: "The loss is flat." };
    server.runs = [makeRun("adam"), makeRun("sgd", { optimizer: "SGD", severity: "severe" })];
    server.sweeps.set("sgd", makeSweep("sgd", { diagnosis: [finding] }));
    open();
    const card = await answer();
    await waitFor(() => {
      expect(card.getByText("The loss is flat.")).toBeTruthy();
    });
    expect(card.getByText("No clear suggestion")).toBeTruthy();
    expect(screen.getByText(/Faint, without a clear suggestion: sgd/)).toBeTruthy();
  });

  it("can be hidden one by one and all at once", async () => {
    const user = open();
    await answer();
    const all = screen.getByRole<HTMLInputElement>("checkbox", { name: "Show all runs" });
    await user.click(screen.getByRole("checkbox", { name: "Show flat" }));
    expect(screen.getByText("2 of 3 shown")).toBeTruthy();
    expect(all.indeterminate).toBe(true);
    await user.click(all);
    expect(screen.getByText("3 of 3 shown")).toBeTruthy();
    await user.click(all);
    expect(await screen.findByText("All runs are hidden")).toBeTruthy();
  });

  it("can be filtered; an invalid filter reports it and hides nothing", async () => {
    const user = open();
    await answer();
    const filter = screen.getByRole("searchbox");
    await user.type(filter, "^digits");
    expect(await screen.findByText("2 of 2 shown")).toBeTruthy();
    await user.clear(filter);
    await user.type(filter, "(");
    expect(await screen.findByText("3 of 3 shown")).toBeTruthy();
    expect(filter.getAttribute("aria-invalid")).toBe("true");
    expect(screen.getByRole("alert").textContent).toMatch(/^Invalid regular expression/);
  });

  it("have a table without the columns that are left out", async () => {
    const user = open();
    const table = within(await screen.findByTestId("summary-card"));
    await user.click(table.getByRole("button", { name: "Columns" }));
    await user.click(table.getByRole("checkbox", { name: "Model" }));
    await user.click(table.getByRole("checkbox", { name: "Steps" }));
    expect(table.queryByRole("columnheader", { name: "Model" })).toBeNull();
    expect(table.getAllByRole("columnheader")).toHaveLength(7);
    await waitFor(() => {
      expect(location.hash).toContain("p.lr_finder.without=model,steps");
    });
  });

  it("are sorted by the clicked column of the table", async () => {
    server.runs = [makeRun("a", { steps: 30 }), makeRun("b", { steps: 9 })];
    const user = open();
    const table = within(await screen.findByTestId("summary-card"));
    const names = () => table.getAllByRole("rowheader").map(({ textContent }) => textContent);
    expect(names()).toEqual(["a", "b"]);
    await user.click(table.getByRole("button", { name: "Steps" }));
    expect(names()).toEqual(["b", "a"]);
    await user.click(table.getByRole("button", { name: "Steps" }));
    expect(names()).toEqual(["a", "b"]);
  });
});

describe("one run", () => {
  beforeEach(() => {
    server.runs = [makeRun("only")];
  });

  it("is shown in detail, with its mark at its learning rate", async () => {
    open();
    expect((await answer()).getByTestId("suggested-lr").textContent).toBe("0.001");
    const svg = await screen.findByTestId("loss-chart");
    const [low, high] = JSON.parse(svg.dataset["xDomain"] ?? "") as [number, number];
    const [left, right] = JSON.parse(svg.dataset["xRange"] ?? "") as [number, number];
    const expected = left + ((right - left) * Math.log(0.001 / low)) / Math.log(high / low);
    const marker = within(svg).getByTestId("suggestion-marker");
    expect(Number(marker.dataset["x"])).toBeCloseTo(expected, 3);
    expect(marker.textContent).toBe("Suggested 0.001");
  });

  it("follows the rule that is pressed", async () => {
    const user = open();
    const rules = within(await screen.findByRole("group", { name: "Suggestion rule" }));
    await user.click(rules.getByRole("button", { name: /Valley/ }));
    expect((await answer()).getByTestId("suggested-lr").textContent).toBe("0.002");
    await waitFor(() => {
      expect(location.hash).toContain("p.lr_finder.rule=valley");
    });
  });

  it("copies exactly what it shows", async () => {
    const user = open();
    await user.click((await answer()).getByRole("button", { name: "Copy" }));
    expect(await navigator.clipboard.readText()).toBe("0.001");
  });

  it("offers nothing to copy if the diagnosis is severe, and shows what to change", async () => {
    const message = "The loss does not go down. Raise `end_lr` to 10.";
    const finding = { code: "flat", severity: "severe" as const, message };
    server.sweeps.set("only", makeSweep("only", { diagnosis: [finding] }));
    open();
    const card = await answer();
    expect(card.getByText("No clear suggestion")).toBeTruthy();
    expect(card.queryByRole("button", { name: "Copy" })).toBeNull();
    expect(card.getByText("end_lr").tagName).toBe("CODE");
    expect(screen.getAllByTestId("suggestion-marker")[0]?.textContent).toMatch(/^Unclear/);
  });

  it("has no suggestion while it is running", async () => {
    server.runs = [makeRun("only", { status: "running", suggestion: null, planned_steps: 10 })];
    server.sweeps.set("only", makeSweep("only", { minimum_learning_rate: 1 }));
    open();
    expect((await answer()).getByText("The sweep is running")).toBeTruthy();
    expect((await answer()).getByText("5 of 10 steps")).toBeTruthy();
    expect(screen.getByText("1 sweep running")).toBeTruthy();
    expect(screen.getByText("50 %")).toBeTruthy();
    expect(screen.queryByTestId("suggestion-marker")).toBeNull();
  });

  it("has a provisional answer once its curve allows for one, and nothing to copy", async () => {
    server.runs = [makeRun("only", { status: "running", suggestion: null, planned_steps: 10 })];
    open();
    const card = await answer();
    expect(card.getByText("provisional").parentElement?.textContent).toBe("0.001 provisional");
    expect(card.queryByRole("button", { name: "Copy" })).toBeNull();
  });

  it("is read by keyboard", async () => {
    const user = open();
    const chart = await screen.findByRole("application", {
      name: "Loss against learning rate, only",
    });
    chart.focus();
    await user.keyboard("{ArrowRight}{ArrowRight}");
    expect(screen.getByText("only: learning rate 0.001, smoothed loss 1.5")).toBeTruthy();
    await user.keyboard("{Shift>}{ArrowRight}{/Shift}");
    expect(screen.getByText("only: learning rate 1, smoothed loss 8")).toBeTruthy();
  });

  it("requests the sweep again when a setting of the analysis changes", async () => {
    const user = open();
    await answer();
    await user.click(screen.getByRole("button", { name: "Settings" }));
    const field = screen.getByLabelText("Skip start");
    await user.clear(field);
    await user.type(field, "2");
    await waitFor(() => {
      expect(server.requested).toContain(
        "sweeps?encoding=base64&columns=&buckets=2000&skip_start=2&run=only",
      );
    });
    const before = server.requested.filter((url) => url.startsWith("sweeps")).length;
    await user.click(screen.getByLabelText("Log scale for the loss"));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(server.requested.filter((url) => url.startsWith("sweeps"))).toHaveLength(before);
  });

  it("shows hostile names as text", async () => {
    const name = '<img src=x onerror="alert(1)">/leaf';
    server.runs = [makeRun(name)];
    open();
    expect((await answer()).getByText(`· ${name}`)).toBeTruthy();
    expect(document.querySelector("img")).toBeNull();
  });
});

describe("a link", () => {
  it("opens the view that it names", async () => {
    location.hash = "#lr_finder&p.lr_finder.runs=id-flat,id-digits/adam&p.lr_finder.focus=id-flat";
    open();
    expect((await answer()).getByText("flat")).toBeTruthy();
    expect(screen.getByText("2 of 3 shown")).toBeTruthy();
  });
});

describe("states", () => {
  it("show how to start if there are no runs", async () => {
    server.runs = [];
    open();
    expect(await screen.findByText("No learning rate sweeps yet")).toBeTruthy();
    expect(screen.getByText(/callbacks=\[finder\]/)).toBeTruthy();
  });

  it("show what failed, with a retry", async () => {
    server.down = new Response("The log directory is gone.", { status: 500 });
    const user = open();
    expect(await screen.findByText("Could not load the sweeps")).toBeTruthy();
    expect(screen.getByRole("alert").textContent).toContain("500");
    expect(screen.getByRole("alert").textContent).toContain("data/plugin/lr_finder/runs");
    expect(screen.getByText("The log directory is gone.")).toBeTruthy();
    server.down = null;
    await user.click(screen.getByRole("button", { name: "Try again" }));
    await answer();
  });

  it("show a notice about the list as a whole, above the runs", async () => {
    server.notice = "TensorBoard does not list 9 of 12 runs just now.";
    open();
    await answer();
    expect(screen.getByRole("alert").textContent).toBe(server.notice);
    expect(screen.queryByRole("button", { name: "Try again" })).toBeNull();
  });

  it("show a skeleton until the first response", () => {
    open();
    expect(screen.getByRole("status", { name: "Loading the sweeps" })).toBeTruthy();
  });

  it("show why a run could not be read", async () => {
    const message = "The rows of this sweep cannot be read.";
    server.runs = [makeRun("broken", { status: "failed", message, suggestion: null })];
    open();
    expect((await answer()).getByText(message)).toBeTruthy();
  });
});
