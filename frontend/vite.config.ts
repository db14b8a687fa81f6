import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// TensorBoard's iframe imports one ES module and calls its `render()`. Everything (code, styles,
// fonts) is in that one file: a stylesheet beside it would be loaded by nobody.
export default defineConfig({
  base: "./",
  plugins: [react()],
  build: {
    outDir: "../tb_lrfinder/static",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    // build_page.py turns it into THIRD_PARTY_LICENSES.txt.
    license: { fileName: "licenses.json" },
    rolldownOptions: {
      input: "src/main.tsx",
      preserveEntrySignatures: "strict",
      output: { entryFileNames: "index.js", codeSplitting: false },
    },
  },
});
