/** The log of a node, also while it is written: each answer comes when there is more. */

import { useEffect, useRef, useState } from "react";

import { type Api, instancePath, type NodeLog } from "./api";
import { Problem, Section } from "./parts";
import { useApi } from "./queries";
import { texts } from "./texts";

const TAIL = 256 * 1024; // bytes of what was written before that are shown
const MOST = 1024 * 1024; // characters kept
const WAIT = 20; // seconds an answer may take where nothing is written
const PAUSE = 1_000; // milliseconds until the server is asked again that said nothing: it may have been too busy to wait

interface LogProps {
  job: string;
  id: string;
  node: string;
  run: number; // when the node began; another time is another log
}

interface Read {
  text: string;
  cut: boolean;
  ended: boolean;
}

const NOTHING: Read = { text: "", cut: false, ended: false };

export function Log({ job, id, node, run }: LogProps) {
  const api = useApi();
  const [read, setRead] = useState(NOTHING);
  const [error, setError] = useState<Error | null>(null);
  const box = useRef<HTMLPreElement>(null);
  const follows = useRef(true);
  useEffect(() => {
    const ending = new AbortController();
    setRead(NOTHING);
    const path = `${instancePath(job, id)}/nodes/${encodeURIComponent(node)}/log`;
    void follow(api, path, ending.signal, setRead, setError);
    return () => ending.abort();
  }, [api, job, id, node, run]);
  useEffect(() => {
    if (follows.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [read]);
  const scrolled = ({ scrollTop, scrollHeight, clientHeight }: HTMLPreElement) => {
    follows.current = scrollHeight - scrollTop - clientHeight < 24;
  };
  const words = texts.log;
  return (
    <Section title={words.of(node)}>
      <p className="hint" role="status">
        {read.ended ? words.ended : words.live}
      </p>
      <Problem error={error} />
      <pre ref={box} role="log" tabIndex={0} aria-label={words.of(node)} onScroll={(event) => scrolled(event.currentTarget)}>
        {read.cut && `${words.cut}\n`}
        {read.text || (read.ended ? words.none : words.empty)}
      </pre>
    </Section>
  );
}

async function follow(
  api: Api,
  path: string,
  signal: AbortSignal,
  tell: (change: (before: Read) => Read) => void,
  fail: (error: Error | null) => void,
): Promise<void> {
  let offset = -TAIL;
  let wait = 0; // the first answer is what there is
  while (!signal.aborted) {
    try {
      const piece = await api.get<NodeLog>(path, { offset, wait, limit: MOST }, signal);
      const cut = offset < 0 && piece.nextOffset > TAIL;
      [offset, wait] = [piece.nextOffset, WAIT];
      fail(null);
      tell((before) => joined(before, piece, cut));
      if (piece.ended) return;
      if (piece.content !== "") continue;
    } catch (error) {
      if (signal.aborted) return;
      fail(error as Error);
    }
    await new Promise((resume) => setTimeout(resume, PAUSE));
  }
}

function joined(before: Read, piece: NodeLog, cut: boolean): Read {
  const text = before.text + piece.content;
  return { text: text.slice(-MOST), cut: before.cut || cut || text.length > MOST, ended: piece.ended };
}
