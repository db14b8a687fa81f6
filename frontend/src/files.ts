/** Downloads `content` as a file. */
export function saveFile(content: Blob | string, name: string): void {
  const blob = typeof content === "string" ? new Blob([content], { type: "text/plain" }) : content;
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The URL must exist until the download has started.
  setTimeout(() => {
    URL.revokeObjectURL(url);
  }, 10_000);
}

/** A file name that is valid on every file system, e.g. `loss-digits-adam`. */
export function fileName(title: string): string {
  const name = title.toLowerCase().replace(/[^\p{L}\p{N}._-]+/gu, "-");
  return name.replace(/^[-.]+|[-.]+$/g, "").slice(0, 100) || "chart";
}
