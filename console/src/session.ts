/** Who is signed in, in this tab only: the token, the project and the chosen workspace. */

import { useSyncExternalStore } from "react";

export interface Session {
  token: string; // empty where the server asks for none
  user: string;
  projectId: string;
  workspace: string; // id; empty for the default one
}

const KEY = "headrace.session";
const listeners = new Set<() => void>();
let current: Session | null = read();
let hasEnded = false;

function read(): Session | null {
  const text = sessionStorage.getItem(KEY);
  return text === null ? null : (JSON.parse(text) as Session);
}

function change(session: Session | null): void {
  current = session;
  if (session === null) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, JSON.stringify(session));
  listeners.forEach((tell) => tell());
}

export function begin(session: Session): void {
  hasEnded = false;
  change(session);
}

export function signOut(): void {
  change(null);
}

/** The server took the token no longer. */
export function expire(): void {
  if (current !== null) {
    hasEnded = true;
    change(null);
  }
}

export const expired = (): boolean => hasEnded;

export function chooseWorkspace(workspace: string): void {
  if (current !== null) change({ ...current, workspace });
}

export function useSession(): Session | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
}
