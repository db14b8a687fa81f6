import { mdiDotsVertical } from "@mdi/js";
import { type RefObject, useState } from "react";
import { downloadUrl } from "../api";
import type { ChartHandle } from "../chart/Chart";
import { pngBlob, svgBlob } from "../chart/picture";
import { fontStyles } from "../fonts";
import { Menu } from "./Menu";

interface ExportMenuProps {
  title: string;
  run: string | null;
  chart: RefObject<ChartHandle | null>;
}

/** Takes the picture, or the numbers of the run that the page is about, out of the page. */
export function ExportMenu({ title, run, chart }: ExportMenuProps) {
  const [failure, setFailure] = useState("");
  const save = async (format: "png" | "svg") => {
    setFailure("");
    const heading = run === null ? title : `${title}, ${run}`;
    const picture = chart.current?.picture(heading, fontStyles());
    if (!picture) return;
    try {
      const blob = format === "svg" ? svgBlob(picture) : await pngBlob(picture);
      saveBlob(blob, `${fileName(heading)}.${format}`);
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <>
      <Menu icon={mdiDotsVertical} label={`Export ${title.toLowerCase()}`}>
        <button type="button" onClick={() => void save("png")}>
          Picture as PNG
        </button>
        <button type="button" onClick={() => void save("svg")}>
          Picture as SVG
        </button>
        {run === null ? (
          <p>Click a run to download its rows.</p>
        ) : (
          <>
            <a href={downloadUrl(run, "csv")} download>
              Rows as CSV
            </a>
            <a href={downloadUrl(run, "json")} download>
              Rows as JSON
            </a>
          </>
        )}
      </Menu>
      <span className="sr-only" role="status">
        {failure}
      </span>
    </>
  );
}

function saveBlob(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The download has to have begun before its address goes.
  setTimeout(() => {
    URL.revokeObjectURL(url);
  }, 10_000);
}

/** `loss-digits-adam`: what every file system takes. */
function fileName(title: string): string {
  const name = title.toLowerCase().replace(/[^\p{L}\p{N}._-]+/gu, "-");
  return name.replace(/^[-.]+|[-.]+$/g, "").slice(0, 100) || "chart";
}
