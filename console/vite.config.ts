import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// `node node_modules/vite/bin/vite.js` serves the page while it is worked on, with the API of a server at port 8700.
export default defineConfig({
  base: "./",
  plugins: [react()],
  build: {
    outDir: "../src/headrace/console/page",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    license: { fileName: "licenses.md" },
    target: "es2022",
  },
  server: {
    proxy: {
      "/v1": "http://127.0.0.1:8700",
      "/v2": "http://127.0.0.1:8700",
      "/v3": "http://127.0.0.1:8700",
      "/settings.json": { target: "http://127.0.0.1:8700", rewrite: (path) => `/console${path}` },
    },
  },
});
