/** One instance: its states and times, why it waits, the logs of its nodes; stop it or run it again. */

import { useState } from "react";

import { type Api, ApiError, type InstanceDetail, instancePath, type WaitingReasons } from "./api";
import { Graph } from "./graph";
import { Log } from "./log";
import { type Action, Actions, Answer, Choice, Fact, Problem, Section, State, Title, took, useMoment } from "./parts";
import { ENDED, useApi, useDefinition, useInstance, useWaitingReasons } from "./queries";
import { link, setQuery, useRoute } from "./route";
import { texts } from "./texts";

const words = texts.instance;

export function InstancePage({ job, id }: { job: string; id: string }) {
  const asked = useInstance(job, id);
  const { query } = useRoute();
  return (
    <>
      <Title text={words.title(id)}>
        <State value={asked.data?.status} />
      </Title>
      <Answer asked={asked}>
        {(instance) => {
          const node = instance.nodes.find((each) => each.nodeName === query.get("node")) ?? telling(instance);
          return (
            <>
              <InstanceActions instance={instance} />
              <Facts instance={instance} />
              {!ENDED.has(instance.status) && <Why job={job} id={id} />}
              <Nodes instance={instance} chosen={node?.nodeName} />
              {node && <Log job={job} id={id} node={node.nodeName} run={node.startTime ?? 0} />}
            </>
          );
        }}
      </Answer>
    </>
  );
}

/** The node whose log is shown before one is chosen: one that failed, one that runs, or the first. */
const telling = ({ nodes }: InstanceDetail) =>
  nodes.find((node) => node.status === "fail") ?? nodes.find((node) => node.status === "running") ?? nodes[0];

function InstanceActions({ instance }: { instance: InstanceDetail }) {
  const api = useApi();
  const [from, setFrom] = useState("first_node");
  const path = instancePath(instance.jobName, String(instance.instanceId));
  if (!ENDED.has(instance.status)) return <Actions actions={[stopping(api, path, instance)]} />;
  const id = String(instance.instanceId);
  const rerun: Action = {
    label: words.rerun,
    run: () => api.post(`${path}/restart`, { retry_location: from, job_param_version: "original_version" }),
    confirm: {
      title: words.confirmRerun.title(id),
      text: words.confirmRerun.text,
      more: (
        <Choice
          label={words.confirmRerun.from}
          value={from}
          options={[
            ["first_node", words.confirmRerun.first],
            ["error_node", words.confirmRerun.failed],
          ]}
          onChange={setFrom}
        />
      ),
    },
  };
  return <Actions actions={[rerun]} />;
}

const stopping = (api: Api, path: string, instance: InstanceDetail): Action => ({
  label: words.stop,
  run: () => api.post(`${path}/stop`),
  confirm: { title: words.confirmStop.title(String(instance.instanceId)), text: words.confirmStop.text },
});

function Facts({ instance }: { instance: InstanceDetail }) {
  const moment = useMoment();
  return (
    <dl className="facts">
      <Fact name={words.job}>
        <a href={link("jobs", instance.jobName)}>{instance.jobInstanceName}</a>
      </Fact>
      <Fact name={words.plan}>{moment(instance.planTime)}</Fact>
      <Fact name={words.start}>{moment(instance.startTime)}</Fact>
      <Fact name={words.end}>{moment(instance.endTime)}</Fact>
      <Fact name={words.took}>{took(instance.executeTime)}</Fact>
      <Fact name={words.kind}>{words.kinds[instance.instanceType]}</Fact>
      <Fact name={words.version}>{String(instance.version)}</Fact>
      <Fact name={words.error}>{instance.errorMessage}</Fact>
    </dl>
  );
}

/** What keeps an instance that does not go on; nothing where nothing does. */
function Why({ job, id }: { job: string; id: string }) {
  const { data, error } = useWaitingReasons(job, id);
  if (data === undefined || data.reasons.length === 0) return <Problem error={error} />;
  return (
    <Section title={words.why}>
      <ul>
        {data.reasons.map((reason) => (
          <li key={reason}>{reason}</li>
        ))}
      </ul>
      {data.dependencies.map((dependency) => (
        <Dependency key={dependency.number} dependency={dependency} />
      ))}
    </Section>
  );
}

function Dependency({ dependency }: { dependency: WaitingReasons["dependencies"][number] }) {
  const moment = useMoment();
  return (
    <details open={!dependency.satisfied}>
      <summary>
        <a href={link("jobs", dependency.jobName)}>{dependency.jobName}</a> ({dependency.rule})
      </summary>
      <ul>
        {dependency.instances.map((each) => (
          <li key={each.planTime}>
            {each.blocking ? words.blocking : words.satisfied} {moment(each.planTime)}{" "}
            {each.instanceId === undefined ? (
              words.notMade
            ) : (
              <a href={link("instances", dependency.jobName, String(each.instanceId))}>{each.instanceId}</a>
            )}{" "}
            <State value={each.status} />
          </li>
        ))}
      </ul>
    </details>
  );
}

function Nodes({ instance, chosen }: { instance: InstanceDetail; chosen: string | undefined }) {
  const definition = useDefinition(instance.jobName, instance.version);
  const moment = useMoment();
  const states = new Map(instance.nodes.map((node) => [node.nodeName, node.status]));
  const choose = (node: string) => setQuery({ node });
  const gone = definition.error instanceof ApiError; // the job or its version was deleted: the table is left
  return (
    <Section title={words.nodes}>
      {!gone && (
        <Answer asked={definition}>
          {(job) => <Graph nodes={job.nodes ?? []} states={states} onChoose={choose} />}
        </Answer>
      )}
      <div className="wide">
        <table>
          <thead>
            <tr>
              {[...Object.values(words.nodeColumns), words.log].map((column) => (
                <th key={column} scope="col">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {instance.nodes.map((node) => (
              <tr key={node.nodeName} aria-current={node.nodeName === chosen}>
                <th scope="row">{node.nodeName}</th>
                <td>{node.type}</td>
                <td>
                  <State value={node.status} />
                </td>
                <td className="number">{moment(node.startTime)}</td>
                <td className="number">{took(node.executeTime)}</td>
                <td className="number">{node.retryTimes}</td>
                <td className="message">{node.errorMessage}</td>
                <td>
                  <button type="button" aria-label={words.showLog(node.nodeName)} onClick={() => choose(node.nodeName)}>
                    {words.log}
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  );
}
