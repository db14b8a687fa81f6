import { defineConfig, mergeConfig } from "vitest/config";
import page from "./vite.config";

// Apart from vite.config.ts, so that a build needs none of what only tests need.
export default mergeConfig(
  page,
  defineConfig({
    test: {
      environment: "happy-dom",
      include: ["tests/**/*.test.{ts,tsx}"],
      setupFiles: ["tests/setup.ts"],
      restoreMocks: true,
      testTimeout: 30_000,
    },
  }),
);
