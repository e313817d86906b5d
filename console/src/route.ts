/** Where the page is: a path and filters behind the `#` of its address. */

import { useMemo, useSyncExternalStore } from "react";

export interface Route {
  path: string[]; // decoded segments
  query: URLSearchParams;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment; // written by hand; names nothing
  }
}

function parse(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return { path: path.split("/").filter(Boolean).map(decode), query: new URLSearchParams(query) };
}

export const link = (...path: string[]): string => `#/${path.map(encodeURIComponent).join("/")}`;

export function go(address: string): void {
  location.hash = address;
}

/** Change filters of the page without a step in the history; an empty value takes one away. */
export function setQuery(changes: Record<string, string>): void {
  const [path = "", query = ""] = location.hash.split("?", 2);
  const values = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === "") values.delete(name);
    else values.set(name, value);
  }
  history.replaceState(null, "", `${path || "#/"}${values.size ? `?${values}` : ""}`);
  window.dispatchEvent(new HashChangeEvent("hashchange"));
}

function subscribe(listener: () => void): () => void {
  window.addEventListener("hashchange", listener);
  return () => window.removeEventListener("hashchange", listener);
}

export function useRoute(): Route {
  const hash = useSyncExternalStore(subscribe, () => location.hash);
  return useMemo(() => parse(hash), [hash]);
}
