/** One job: its schedule, when it runs next, its nodes, and its latest instances. */

import { useState } from "react";

import { type Api, type JobDefinition, jobPath, type NodeDefinition } from "./api";
import { conditionOf, Graph } from "./graph";
import { InstanceTable } from "./instances";
import { type Action, Actions, Answer, Fact, Section, State, Title, useMoment } from "./parts";
import { useApi, useDefinition, useInstances, useJobStatus, usePlanTimes } from "./queries";
import { go, link } from "./route";
import { texts } from "./texts";
import { scheduleInWords } from "./words";

const MOST_TIMES = 1000;
const FEW = 10; // plan times that stand in one column
const words = texts.job;

export function JobPage({ name }: { name: string }) {
  const definition = useDefinition(name);
  const status = useJobStatus(name);
  return (
    <>
      <Title text={name}>
        <State value={status.data?.status} />
      </Title>
      <Answer asked={definition}>
        {(job) => (
          <>
            <JobActions job={job} status={status.data?.status} />
            <div className="columns">
              <ScheduleFacts job={job} />
              {isCron(job) && <PlanTimes name={name} status={status.data?.status} />}
            </div>
            <Nodes nodes={job.nodes ?? []} />
          </>
        )}
      </Answer>
      <Latest name={name} />
    </>
  );
}

const isBatch = (job: JobDefinition): boolean => job.processType !== "REAL_TIME";
const isCron = (job: JobDefinition): boolean => isBatch(job) && (job.schedule?.type ?? "").toUpperCase() === "CRON";

function JobActions({ job, status }: { job: JobDefinition; status: string | undefined }) {
  const api = useApi();
  const actions = status === "STOPPED" ? [starting(api, job)] : [stopping(api, job)];
  if (status === "SCHEDULING") actions.push(posting(api, job, "pause", words.pause, words.paused));
  if (status === "PAUSED") actions.push(posting(api, job, "restore", words.resume, words.resumed));
  if (isBatch(job)) actions.unshift(running(api, job));
  return <Actions actions={status === undefined ? [] : actions} />;
}

const posting = (api: Api, job: JobDefinition, operation: string, label: string, done: string): Action => ({
  label,
  done,
  run: () => api.post(`${jobPath(job.name)}/${operation}`),
});

const starting = (api: Api, job: JobDefinition): Action =>
  posting(api, job, "start", isBatch(job) ? words.start : words.startRealTime, words.started);

const stopping = (api: Api, job: JobDefinition): Action => ({
  ...posting(api, job, "stop", isBatch(job) ? words.stop : words.stopRealTime, words.stopped),
  confirm: { title: words.confirmStop.title(job.name), text: words.confirmStop.text },
});

const running = (api: Api, job: JobDefinition): Action => ({
  label: words.run,
  run: async () => {
    const made = await api.post<{ instanceId: number }>(`${jobPath(job.name)}/run-immediate`);
    go(link("instances", job.name, String(made.instanceId)));
  },
  confirm: { title: words.confirmRun.title(job.name), text: words.confirmRun.text },
});

function ScheduleFacts({ job }: { job: JobDefinition }) {
  const cron = isCron(job) ? job.schedule?.cron : undefined;
  const upstream = cron?.dependJobs?.jobs ?? [];
  const selfDependent = String(cron?.dependPrePeriod) === "true";
  return (
    <Section title={words.schedule}>
      <p>{scheduleInWords(job.schedule, !isBatch(job))}</p>
      <dl>
        <Fact name={words.cron}>{cron?.expression && <code>{cron.expression}</code>}</Fact>
        <Fact name={words.zone}>{cron?.expressionTimeZone}</Fact>
        <Fact name={words.from}>{cron?.startTime}</Fact>
        <Fact name={words.until}>{cron?.endTime}</Fact>
        <Fact name={words.upstream}>
          {(upstream.length > 0 || selfDependent) && (
            <ul>
              {upstream.map((each) => (
                <li key={each}>
                  <a href={link("jobs", each)}>{each}</a>
                </li>
              ))}
              {selfDependent && <li>{words.selfDependent}</li>}
            </ul>
          )}
        </Fact>
        <Fact name={words.description}>{job.description}</Fact>
      </dl>
    </Section>
  );
}

function PlanTimes({ name, status }: { name: string; status: string | undefined }) {
  const [count, setCount] = useState(5);
  const moment = useMoment();
  const asIfStarted = status !== "SCHEDULING";
  const asked = usePlanTimes(name, count, asIfStarted, status !== undefined);
  const choose = (text: string) => setCount(Math.min(Math.max(Math.trunc(Number(text)) || 1, 1), MOST_TIMES));
  return (
    <Section title={words.next}>
      <label>
        {words.howMany}
        <input
          type="number"
          min={1}
          max={MOST_TIMES}
          value={count}
          onChange={(event) => choose(event.target.value)}
        />
      </label>
      {asIfStarted && <p className="hint">{words.asIfStarted}</p>}
      <Answer asked={asked}>
        {({ times, warnings }) => (
          <>
            {times.length === 0 && <p>{words.noNext}</p>}
            {warnings.map((warning) => (
              <p key={warning}>{warning}</p>
            ))}
            <ol className={times.length > FEW ? "times many" : "times"} aria-label={words.next}>
              {times.map((time) => (
                <li key={time}>
                  <time dateTime={new Date(time).toISOString()}>{moment(time)}</time>
                </li>
              ))}
            </ol>
          </>
        )}
      </Answer>
    </Section>
  );
}

function Nodes({ nodes }: { nodes: NodeDefinition[] }) {
  const columns = words.nodeColumns;
  return (
    <Section title={words.nodes}>
      <Graph nodes={nodes} />
      <div className="wide">
        <table>
          <thead>
            <tr>
              {Object.values(columns).map((column) => (
                <th key={column} scope="col">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {nodes.map((node) => (
              <tr key={node.name}>
                <th scope="row">{node.name}</th>
                <td>{node.type}</td>
                <td className="message">{(node.preNodeName ?? []).map((source) => after(node, source)).join(", ")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  );
}

function after(node: NodeDefinition, source: string): string {
  const condition = conditionOf(node, source);
  return condition === undefined ? source : `${source} ${texts.graph.condition} ${condition}`;
}

function Latest({ name }: { name: string }) {
  const asked = useInstances({ jobName: name, preciseQuery: true, weeksAgo: 0, offset: 0 });
  return (
    <Section title={words.latest}>
      <Answer asked={asked}>{({ instances }) => <InstanceTable instances={instances} withJob={false} none={words.noInstance} />}</Answer>
    </Section>
  );
}
