import { mdiCheck, mdiCodeTags } from "@mdi/js";
import { useEffect, useState } from "react";
import { copyText } from "../clipboard";
import { fileName, saveFile } from "../files";
import { kerasFile, type Snippet } from "../kerasCode";
import { Menu } from "./Menu";

interface KerasMenuProps {
  run: string;
  snippets: readonly Snippet[];
  label?: string;
  /** Show only the icon. */
  compact?: boolean;
}

/** The suggestion as code, for the clipboard or as a file. */
export function KerasMenu({
  run,
  snippets,
  label = "Keras code",
  compact = false,
}: KerasMenuProps) {
  const [status, setStatus] = useState("");
  useEffect(() => {
    if (status === "") return;
    const timer = setTimeout(() => {
      setStatus("");
    }, 2_000);
    return () => {
      clearTimeout(timer);
    };
  }, [status]);
  const copy = async ({ code }: Snippet) => {
    setStatus((await copyText(code)) ? "Copied" : "Copying failed");
  };
  return (
    <>
      <Menu
        icon={status === "Copied" ? mdiCheck : mdiCodeTags}
        label={label}
        {...(!compact && { text: status === "" ? "Keras code" : status })}
      >
        {snippets.map((snippet) => (
          <button type="button" key={snippet.name} onClick={() => void copy(snippet)}>
            {snippet.name}
            <small>{snippet.values}</small>
          </button>
        ))}
        <button
          type="button"
          onClick={() => {
            saveFile(kerasFile(run, snippets), `${fileName(run)}.py`);
          }}
        >
          All as a .py file
        </button>
      </Menu>
      <span className="sr-only" role="status">
        {status}
      </span>
    </>
  );
}
