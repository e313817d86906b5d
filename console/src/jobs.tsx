/** The jobs of the workspace. */

import { useState } from "react";

import type { Job } from "./api";
import { Answer, Choice, Search, State, Title, useMoment } from "./parts";
import { useJobs } from "./queries";
import { link, setQuery, useRoute } from "./route";
import { texts } from "./texts";

const STEP = 100; // rows shown at once
const STATUSES: Record<string, readonly string[]> = {
  BATCH: ["SCHEDULING", "PAUSED", "STOPPED"],
  REAL_TIME: ["NORMAL", "EXCEPTION", "STARTING", "STOPPING", "STOPPED"],
};

export function Jobs() {
  const { query } = useRoute();
  const type = query.get("type") ?? "BATCH";
  const name = query.get("name") ?? "";
  const status = query.get("status") ?? "";
  const asked = useJobs(type, name);
  const options = (STATUSES[type] ?? []).map((each) => [each, each] as const);
  return (
    <>
      <Title text={texts.jobs.title} />
      <form className="filters" role="search" onSubmit={(event) => event.preventDefault()}>
        <Search label={texts.jobs.search} value={name} onChange={(value) => setQuery({ name: value })} />
        <Choice
          label={texts.jobs.type}
          value={type}
          options={Object.entries(texts.jobs.types)}
          onChange={(value) => setQuery({ type: value === "BATCH" ? "" : value, status: "" })}
        />
        <Choice
          label={texts.jobs.status}
          value={status}
          options={[["", texts.jobs.all], ...options]}
          onChange={(value) => setQuery({ status: value })}
        />
      </form>
      <Answer asked={asked}>
        {(jobs) => <Table key={`${type} ${name} ${status}`} jobs={jobs} status={status} />}
      </Answer>
    </>
  );
}

function Table({ jobs, status }: { jobs: Job[]; status: string }) {
  const [shown, setShown] = useState(STEP);
  const moment = useMoment();
  const columns = texts.jobs.columns;
  const matching = status === "" ? jobs : jobs.filter((job) => job.status === status);
  if (matching.length === 0) return <p role="status">{texts.jobs.none}</p>;
  return (
    <>
      <p role="status">{texts.jobs.count(matching.length, jobs.length)}</p>
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
            {matching.slice(0, shown).map((job) => (
              <tr key={job.name}>
                <th scope="row">
                  <a href={link("jobs", job.name)}>{job.name}</a>
                </th>
                <td>
                  <State value={job.status} />
                </td>
                <td>
                  <State value={job.lastInstanceStatus} />
                </td>
                <td className="number">{moment(job.lastInstanceEndTime)}</td>
                <td>{job.owner}</td>
                <td>{job.path}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown < matching.length && (
        <button type="button" onClick={() => setShown(shown + STEP)}>
          {texts.jobs.more}
        </button>
      )}
    </>
  );
}
