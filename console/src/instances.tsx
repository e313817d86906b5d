/** The instances of the workspace, a week of plan times at once. */

import type { Instance } from "./api";
import { Answer, Choice, Search, State, Title, took, useMoment } from "./parts";
import { PAGE, spanOf, useInstances } from "./queries";
import { link, setQuery, useRoute } from "./route";
import { texts } from "./texts";

const words = texts.instances;
const STATES = [
  "waiting",
  "waiting-confirm",
  "running",
  "success",
  "fail",
  "running-exception",
  "pause",
  "manual-stop",
  "freeze",
  "skip-by-depend",
] as const;

export function Instances() {
  const { query } = useRoute();
  const moment = useMoment();
  const job = query.get("job") ?? "";
  const state = query.get("state") ?? "";
  const [page, weeksAgo] = [Number(query.get("page") ?? 0), Number(query.get("weeksAgo") ?? 0)];
  const asked = useInstances({ jobName: job, status: state, weeksAgo, offset: page });
  const [from, to] = spanOf(weeksAgo, Date.now());
  const turn = (weeks: number) => setQuery({ weeksAgo: weeks ? String(weeks) : "", page: "" });
  return (
    <>
      <Title text={words.title} />
      <form className="filters" role="search" onSubmit={(event) => event.preventDefault()}>
        <Search label={words.job} value={job} onChange={(value) => setQuery({ job: value, page: "" })} />
        <Choice
          label={words.state}
          value={state}
          options={[["", words.all], ...STATES.map((each) => [each, each] as const)]}
          onChange={(value) => setQuery({ state: value, page: "" })}
        />
        <button type="button" onClick={() => turn(weeksAgo + 1)}>
          {words.older}
        </button>
        <button type="button" disabled={weeksAgo === 0} onClick={() => turn(weeksAgo - 1)}>
          {words.newer}
        </button>
      </form>
      <p className="hint">{words.span(moment(from), moment(to))}</p>
      <Answer asked={asked}>
        {({ total, instances }) => (
          <>
            {total > 0 && <p role="status">{words.count(total)}</p>}
            <InstanceTable instances={instances} withJob none={words.none} />
            {total > PAGE && <Pages page={page} pages={Math.ceil(total / PAGE)} />}
          </>
        )}
      </Answer>
    </>
  );
}

function Pages({ page, pages }: { page: number; pages: number }) {
  const turn = (to: number) => setQuery({ page: to ? String(to) : "" });
  return (
    <div className="actions">
      <button type="button" disabled={page === 0} onClick={() => turn(page - 1)}>
        {words.previous}
      </button>
      <span>{words.page(page + 1, pages)}</span>
      <button type="button" disabled={page + 1 >= pages} onClick={() => turn(page + 1)}>
        {words.next}
      </button>
    </div>
  );
}

interface InstanceTableProps {
  instances: Instance[];
  withJob: boolean;
  none: string; // what to say where there are none
}

export function InstanceTable({ instances, withJob, none }: InstanceTableProps) {
  const moment = useMoment();
  const columns = Object.entries(words.columns).filter(([name]) => withJob || name !== "job");
  if (instances.length === 0) return <p role="status">{none}</p>;
  return (
    <div className="wide">
      <table>
        <thead>
          <tr>
            {columns.map(([name, column]) => (
              <th key={name} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {instances.map((each) => (
            <tr key={each.instanceId}>
              <th scope="row">
                <a href={link("instances", each.jobName, String(each.instanceId))}>{each.instanceId}</a>
              </th>
              {withJob && (
                <td>
                  <a href={link("jobs", each.jobName)}>{each.jobInstanceName}</a>
                </td>
              )}
              <td>
                <State value={each.status} />
              </td>
              <td className="number">{moment(each.planTime)}</td>
              <td className="number">{moment(each.startTime)}</td>
              <td className="number">{took(each.executeTime)}</td>
              <td className="message">{each.errorMessage}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
