/** Starts the page: asks the server what it must know, then shows where its address points. */

import "./style.css";

import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./app";
import { ApiError, loadSettings } from "./api";
import { Problem, ZoneContext } from "./parts";
import { expire } from "./session";

const UNAUTHORIZED = 401;
const TRIES = 3; // where the network fails; what the server refuses is refused

const refused = (error: Error): void => {
  if (error instanceof ApiError && error.status === UNAUTHORIZED) expire();
};

const queries = new QueryClient({
  queryCache: new QueryCache({ onError: refused }),
  defaultOptions: { queries: { retry: (count, error) => !(error instanceof ApiError) && count < TRIES } },
});

const root = createRoot(document.getElementById("root") as HTMLElement);

try {
  const settings = await loadSettings();
  root.render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <ZoneContext value={settings.timeZone}>
          <App settings={settings} />
        </ZoneContext>
      </QueryClientProvider>
    </StrictMode>,
  );
} catch (error) {
  root.render(<Problem error={error as Error} />);
}
