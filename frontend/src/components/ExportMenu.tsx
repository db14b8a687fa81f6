import { mdiDotsVertical } from "@mdi/js";
import { type RefObject, useState } from "react";
import { downloadUrl, fetchFullSweeps, type SweepSettings } from "../api/sweeps";
import type { ChartHandle } from "../chart/Chart";
import { pngBlob, svgBlob } from "../chart/picture";
import { fileName, saveFile } from "../files";
import { fontStyles } from "../fonts";
import { plural } from "../format";
import { asCsv, EXPORTED } from "../table";
import { Menu } from "./Menu";

interface ExportMenuProps {
  title: string;
  /** What the chart shows, for its heading and the name of its file. */
  subject: string;
  /** The active run. */
  run: string | null;
  /** All shown sweeps, and what they were computed with. */
  shown: readonly string[];
  settings: SweepSettings;
  chart: RefObject<ChartHandle | null>;
}

/** Exports the chart as a picture and the curves as data. */
export function ExportMenu({ title, subject, run, shown, settings, chart }: ExportMenuProps) {
  const [status, setStatus] = useState("");
  const attempt = async (save: () => Promise<void>) => {
    setStatus("");
    try {
      await save();
    } catch (error) {
      setStatus(error instanceof Error ? error.message : String(error));
    }
  };
  const savePicture = async (format: "png" | "svg") => {
    const heading = `${title}, ${subject}`;
    const picture = chart.current?.picture(heading, fontStyles());
    if (!picture) return;
    const blob = format === "svg" ? svgBlob(picture) : await pngBlob(picture);
    saveFile(blob, `${fileName(heading)}.${format}`);
  };
  const saveRows = async (format: "csv" | "json") => {
    setStatus("Fetching the rows …");
    const sweeps = await fetchFullSweeps(shown, settings, EXPORTED);
    const name = shown.length === 1 ? fileName(shown[0] ?? "") : "sweeps";
    saveFile(format === "csv" ? asCsv(sweeps) : JSON.stringify({ sweeps }), `${name}.${format}`);
    setStatus("");
  };
  const count = shown.length === 1 ? "the shown run" : `the ${plural(shown.length, "shown run")}`;
  return (
    <>
      <Menu icon={mdiDotsVertical} label={`Export ${title.toLowerCase()}`}>
        <button type="button" onClick={() => void attempt(() => savePicture("png"))}>
          Picture as PNG
        </button>
        <button type="button" onClick={() => void attempt(() => savePicture("svg"))}>
          Picture as SVG
        </button>
        {shown.length > 0 && (
          <>
            <button type="button" onClick={() => void attempt(() => saveRows("csv"))}>
              Curves as CSV
              <small>{count}</small>
            </button>
            <button type="button" onClick={() => void attempt(() => saveRows("json"))}>
              Curves as JSON
              <small>{count}, with their suggestions</small>
            </button>
          </>
        )}
        {run !== null && (
          <>
            <a href={downloadUrl(run, "csv")} download>
              Recorded rows as CSV
              <small>{run}</small>
            </a>
            <a href={downloadUrl(run, "json")} download>
              Recorded rows as JSON
              <small>{run}</small>
            </a>
          </>
        )}
      </Menu>
      <span className="sr-only" role="status">
        {status}
      </span>
    </>
  );
}
