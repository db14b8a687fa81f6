import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./components/App";
import { addFonts } from "./fonts";
import { onHostReload } from "./state/host";
import styles from "./styles/index.css?inline";

/** Called once by the frame of TensorBoard, in an empty document. */
export function render(): void {
  document.documentElement.lang = "en";
  document.title = "LR Finder";
  const style = document.createElement("style");
  style.textContent = styles;
  document.head.append(style);
  addFonts();
  const client = new QueryClient({
    defaultOptions: {
      // A machine without a network can still reach a local TensorBoard.
      queries: { retry: false, refetchOnWindowFocus: false, networkMode: "always" },
    },
  });
  onHostReload(() => {
    void client.invalidateQueries({ queryKey: ["runs"] });
  });
  const root = document.createElement("div");
  root.id = "root";
  document.body.append(root);
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <App />
      </QueryClientProvider>
    </StrictMode>,
  );
}
