/** Starts the page: asks the server what it must know, then shows where its address points. */

import "./style.css";

import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./app";
import { ApiError, loadSettings } from "./api";
import { Problem, ZoneContext } from "./parts";
import { expire } from "./session";

const UNAUTHORIZED = 401;
const OTHER_PROJECT = "APIGW.0302"; // the server has another home than when the session began
const TRIES = 3; // where the network fails; what the server refuses is refused

const refused = (error: Error): void => {
  if (error instanceof ApiError && (error.status === UNAUTHORIZED || error.code === OTHER_PROJECT)) expire();
};

const queries = new QueryClient({
  queryCache: new QueryCache({ onError: refused }),
  mutationCache: new MutationCache({ onError: refused }),
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
