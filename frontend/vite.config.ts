import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// TensorBoard's iframe imports one ES module and calls its `render()`. Code, styles and fonts are in
// that one file: nothing would load a stylesheet beside it. Only the worker is a file of its own: the
// Content-Security-Policy of TensorBoard allows no workers from blob or data URLs.
export default defineConfig({
  base: "./",
  plugins: [react()],
  worker: {
    format: "es",
    rolldownOptions: { output: { entryFileNames: "[name].js" } },
  },
  build: {
    outDir: "../tb_lrfinder/plugin/static",
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
