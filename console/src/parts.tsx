/** Small pieces that several pages are made of. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useId, useMemo, useRef, useState } from "react";

import { ApiError } from "./api";
import { texts } from "./texts";

export const ZoneContext = createContext("UTC");

/** A moment as the server's zone shows it, like 2026-05-31 06:00:00. */
export function useMoment(): (millis: number | undefined) => string {
  const timeZone = useContext(ZoneContext);
  const format = useMemo(
    () => new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium", timeZone }),
    [timeZone],
  );
  return (millis) => (millis === undefined ? "" : format.format(millis));
}

export function took(millis: number | undefined): string {
  return millis === undefined ? "" : texts.seconds((millis / 1000).toFixed(millis < 10_000 ? 2 : 1));
}

/** The heading of a page; it names the window, and takes the focus when the page comes. */
export function Title({ children, text }: { children?: ReactNode; text: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${text} · ${texts.app.name}`;
    heading.current?.focus({ preventScroll: true });
  }, [text]);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {text} {children}
    </h1>
  );
}

export function State({ value }: { value: string | undefined }) {
  return value ? <span className={`state state-${value.toLowerCase()}`}>{value}</span> : null;
}

/** What went wrong, in the server's code and words. */
export function Problem({ error }: { error: Error | null }) {
  if (error === null) return null;
  const known = error instanceof ApiError;
  return (
    <p className="problem" role="alert">
      {known ? <strong>{error.code}</strong> : <strong>{texts.app.unreachable}</strong>} {error.message}
    </p>
  );
}

interface Asked<T> {
  data: T | undefined;
  error: Error | null;
}

/** What was asked for, or that it is on its way, or why it does not come. */
export function Answer<T>({ asked, children }: { asked: Asked<T>; children: (data: T) => ReactNode }) {
  return (
    <>
      <Problem error={asked.error} />
      {asked.data !== undefined ? children(asked.data) : asked.error === null && <p role="status">{texts.app.loading}</p>}
    </>
  );
}

export function Section({ title, children }: { title: string; children: ReactNode }) {
  const id = useId();
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  if (!children) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  options: readonly (readonly [string, string])[];
  onChange: (value: string) => void;
}

export function Choice({ label, value, options, onChange }: ChoiceProps) {
  return (
    <label>
      {label}
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        {options.map(([each, shown]) => (
          <option key={each} value={each}>
            {shown}
          </option>
        ))}
      </select>
    </label>
  );
}

/** A text that is told when nobody has typed for a moment. */
export function Search({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  const [typed, setTyped] = useState(value);
  const tell = useRef(onChange);
  tell.current = onChange;
  useEffect(() => {
    if (typed === value) return;
    const timer = setTimeout(() => tell.current(typed), 250);
    return () => clearTimeout(timer);
  }, [typed, value]);
  return (
    <label>
      {label}
      <input type="search" value={typed} onChange={(event) => setTyped(event.target.value)} />
    </label>
  );
}

export interface Action {
  label: string;
  run: () => Promise<unknown>;
  done?: string; // told afterwards
  confirm?: { title: string; text: string; more?: ReactNode };
}

/** Buttons that change something; those that matter ask first. What a server refuses stays until the next try. */
export function Actions({ actions }: { actions: Action[] }) {
  const queries = useQueryClient();
  const [asking, setAsking] = useState<Action | null>(null);
  const doing = useMutation({
    mutationFn: (action: Action) => action.run(),
    onSettled: () => queries.invalidateQueries(),
  });
  const begin = (action: Action) => (action.confirm ? setAsking(action) : doing.mutate(action));
  return (
    <div className="actions">
      {actions.map((action) => (
        <button key={action.label} type="button" disabled={doing.isPending} onClick={() => begin(action)}>
          {action.label}
        </button>
      ))}
      <Problem error={doing.error} />
      {doing.isSuccess && doing.variables.done && <p role="status">{doing.variables.done}</p>}
      {asking?.confirm && (
        <Confirmation
          title={asking.confirm.title}
          text={asking.confirm.text}
          action={asking.label}
          onYes={() => doing.mutate(asking)}
          onClose={() => setAsking(null)}
        >
          {asking.confirm.more}
        </Confirmation>
      )}
    </div>
  );
}

interface ConfirmationProps {
  title: string;
  text: string;
  action: string;
  onYes: () => void;
  onClose: () => void;
  children: ReactNode;
}

function Confirmation({ title, text, action, onYes, onClose, children }: ConfirmationProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => dialog.current?.showModal(), []);
  const confirmed = () => {
    onYes();
    onClose();
  };
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <h2 id={id}>{title}</h2>
      <p>{text}</p>
      {children}
      <div className="actions">
        <button type="button" onClick={onClose}>
          {texts.dialog.cancel}
        </button>
        <button type="button" className="main" onClick={confirmed}>
          {action}
        </button>
      </div>
    </dialog>
  );
}
