import js from "@eslint/js";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["node_modules/", "coverage/", "dependency-cruiser.config.cjs"] },
  js.configs.recommended,
  {
    files: ["**/*.{ts,tsx}"],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "max-lines": ["error", 400],
    },
  },
  { files: ["src/**/*.{ts,tsx}"], ...reactHooks.configs.flat["recommended-latest"] },
  // For React's compiler, which this build does not use.
  { files: ["src/**/*.{ts,tsx}"], rules: { "react-hooks/incompatible-library": "off" } },
  {
    // Runs in Node and in the pages of the browser that it drives.
    files: ["tests/firefox.mjs"],
    languageOptions: {
      globals: { console: false, document: false, location: false, process: false },
    },
  },
);
