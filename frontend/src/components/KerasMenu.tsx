import { mdiCheck, mdiCodeTags } from "@mdi/js";
import { useEffect, useState } from "react";
import { copyText } from "../clipboard";
import { fileName, saveFile } from "../files";
import { kerasFile, type Snippet } from "../kerasCode";
import { Menu } from "./Menu";

/** The suggestion as code, to the clipboard or into a file. */
export function KerasMenu({ run, snippets }: { run: string; snippets: readonly Snippet[] }) {
  const [said, setSaid] = useState("");
  useEffect(() => {
    if (said === "") return;
    const timer = setTimeout(() => {
      setSaid("");
    }, 2_000);
    return () => {
      clearTimeout(timer);
    };
  }, [said]);
  const copy = async ({ code }: Snippet) => {
    setSaid((await copyText(code)) ? "Copied" : "Copying failed");
  };
  return (
    <>
      <Menu
        icon={said === "Copied" ? mdiCheck : mdiCodeTags}
        label="Keras code"
        text={said === "" ? "Keras code" : said}
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
          All of them as a .py file
        </button>
      </Menu>
      <span className="sr-only" role="status">
        {said}
      </span>
    </>
  );
}
