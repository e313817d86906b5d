/** What the pages read from the server, and how often it is read again. */

import { useQuery } from "@tanstack/react-query";
import { createContext, useContext } from "react";

import {
  type Api,
  ApiError,
  type Instance,
  type InstanceDetail,
  instancePath,
  type Job,
  type JobDefinition,
  jobPath,
  type WaitingReasons,
  type Workspace,
} from "./api";

const DAY = 86_400_000;
const MOST = 1000; // rows the API lists at once
const SPANS = [DAY / 24, DAY, 32 * DAY, 400 * DAY, 3700 * DAY]; // each is asked where the one before has too few times

export const WEEK = 7 * DAY; // the longest span of plan times the API lists at once
export const PAGE = 50;
export const ENDED = new Set(["success", "fail", "manual-stop", "skip-by-depend"]);

const ApiContext = createContext<Api | null>(null);
export const ApiProvider = ApiContext.Provider;

export function useApi(): Api {
  const found = useContext(ApiContext);
  if (found === null) throw new Error("nobody is signed in");
  return found;
}

function useAsked<T>(key: readonly unknown[], ask: (api: Api, signal: AbortSignal) => Promise<T>, every = 0, enabled = true) {
  const api = useApi();
  return useQuery({
    queryKey: [api.session.projectId, api.session.workspace, ...key],
    queryFn: ({ signal }) => ask(api, signal),
    refetchInterval: every || false,
    enabled,
  });
}

export const useWorkspaces = () =>
  useAsked(["workspaces"], async (api, signal) => {
    const found = await api.get<{ data: Workspace[] }>("/workspaces/console", { limit: 100 }, signal);
    return found.data;
  });

/** All jobs of a type whose names contain a text: the API knows no filter by status, so the page has one. */
export const useJobs = (jobType: string, jobName: string) =>
  useAsked(
    ["jobs", jobType, jobName],
    async (api, signal) => {
      const found: Job[] = [];
      for (let offset = 0; ; offset += 1) {
        const page = await api.get<{ total: number; jobs: Job[] }>(
          "/jobs",
          { jobType, jobName, offset, limit: MOST },
          signal,
        );
        found.push(...page.jobs);
        if ((offset + 1) * MOST >= page.total) return found;
      }
    },
    10_000,
  );

/** A version of a job; without one what runs, the newest submitted version, or a draft that was never submitted. */
export const useDefinition = (name: string, version?: number) =>
  useAsked(["definition", name, version ?? "newest"], async (api, signal) => {
    const read = (query: Record<string, number | boolean>) => api.get<JobDefinition>(jobPath(name), query, signal);
    if (version !== undefined) return read({ version });
    try {
      return await read({ getJobSubmitVersion: true });
    } catch (error) {
      if (error instanceof ApiError) return read({});
      throw error;
    }
  });

export const useJobStatus = (name: string) =>
  useAsked(
    ["status", name],
    (api, signal) => api.get<{ status: string }>(`${jobPath(name)}/status`, {}, signal),
    3_000,
  );

interface Simulation {
  instances: { planTime: number }[];
  warnings: string[];
}

/** The next plan times of a job in milliseconds, of a span that is made longer until it has enough. */
export const usePlanTimes = (name: string, count: number, asIfStarted: boolean, enabled: boolean) =>
  useAsked(
    ["plan times", name, count, asIfStarted],
    async (api, signal) => {
      let [times, warnings]: [number[], string[]] = [[], []];
      const now = Date.now();
      for (const span of SPANS) {
        const body = { minPlanTime: now, maxPlanTime: now + span, jobs: [name], asIfStarted };
        const told = await api.post<Simulation>("/simulation", body, signal);
        [times, warnings] = [told.instances.map((instance) => instance.planTime), told.warnings];
        if (times.length >= count) break;
      }
      return { times: times.slice(0, count), warnings };
    },
    30_000,
    enabled,
  );

export interface InstanceFilter {
  jobName?: string;
  preciseQuery?: boolean;
  status?: string;
  weeksAgo: number;
  offset: number;
}

export const spanOf = (weeksAgo: number, now: number): [number, number] => [
  now - (weeksAgo + 1) * WEEK,
  now - weeksAgo * WEEK,
];

export const useInstances = ({ weeksAgo, ...filter }: InstanceFilter) =>
  useAsked(
    ["instances", filter, weeksAgo],
    (api, signal) => {
      const [minPlanTime, maxPlanTime] = spanOf(weeksAgo, Date.now() + 1);
      const query = { ...filter, minPlanTime, maxPlanTime, limit: PAGE };
      return api.get<{ total: number; instances: Instance[] }>("/jobs/instances/detail", query, signal);
    },
    3_000,
  );

export function useInstance(job: string, id: string) {
  const api = useApi();
  return useQuery({
    queryKey: [api.session.projectId, api.session.workspace, "instance", job, id],
    queryFn: ({ signal }) => api.get<InstanceDetail>(instancePath(job, id), {}, signal),
    refetchInterval: (query) => (query.state.data && ENDED.has(query.state.data.status) ? 5_000 : 1_000),
  });
}

export const useWaitingReasons = (job: string, id: string) =>
  useAsked(
    ["why", job, id],
    (api, signal) => api.get<WaitingReasons>(`${instancePath(job, id)}/waiting-reasons`, {}, signal),
    2_000,
  );
