/** Calls of the server's API. Paths are relative to the page, so that a proxy may add a prefix. */

import type { Session } from "./session";

/** What the server answered instead of a result: its code and its sentence. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export interface Settings {
  version: string;
  timeZone: string;
  signIn: boolean;
}

export interface Job {
  name: string;
  jobType: string;
  status: string;
  owner: string;
  path: string;
  lastInstanceStatus?: string;
  lastInstanceEndTime?: number;
}

export interface NodeDefinition {
  name: string;
  type?: string;
  location?: { x?: number | string; y?: number | string };
  preNodeName?: string[];
  conditions?: { preNodeName?: string; expression?: string }[];
}

export interface Schedule {
  type?: string;
  cron?: {
    expression?: string;
    expressionTimeZone?: string;
    startTime?: string;
    endTime?: string;
    dependPrePeriod?: boolean | string;
    dependJobs?: { jobs?: string[] };
  };
  event?: { eventType?: string };
}

export interface JobDefinition {
  name: string;
  processType?: string;
  description?: string;
  nodes?: NodeDefinition[];
  schedule?: Schedule;
}

export interface NodeInstance {
  nodeName: string;
  type: string;
  status: string;
  retryTimes: number;
  startTime?: number;
  endTime?: number;
  executeTime?: number;
  errorMessage?: string;
}

export interface Instance {
  jobName: string;
  jobInstanceName: string;
  instanceId: number;
  instanceType: number;
  status: string;
  planTime: number;
  version: number;
  startTime?: number;
  endTime?: number;
  executeTime?: number;
  errorMessage?: string;
}

export interface InstanceDetail extends Instance {
  nodes: NodeInstance[];
}

export interface WaitingReasons {
  reasons: string[];
  dependencies: {
    number: number;
    jobName: string;
    rule: string;
    satisfied: boolean;
    instances: { planTime: number; blocking: boolean; instanceId?: number; status?: string }[];
  }[];
}

export interface NodeLog {
  content: string;
  nextOffset: number;
  ended: boolean;
}

export interface Workspace {
  id: string;
  name: string;
  is_default: number;
}

const JSON_TYPE = { "content-type": "application/json" };

async function request(url: string, options: RequestInit): Promise<Response> {
  const response = await fetch(url, options);
  if (response.ok) return response;
  const told = (await response.json().catch(() => ({}))) as { error_code?: string; error_msg?: string };
  throw new ApiError(response.status, told.error_code ?? `HTTP ${response.status}`, told.error_msg ?? response.statusText);
}

async function parsed<T>(response: Response): Promise<T> {
  const text = await response.text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

export const loadSettings = async (): Promise<Settings> => parsed(await request("settings.json", {}));

/** A session for a user with a password. */
export async function signIn(user: string, password: string): Promise<Session> {
  const identity = { methods: ["password"], password: { user: { name: user, password } } };
  const options = { method: "POST", headers: JSON_TYPE, body: JSON.stringify({ auth: { identity } }) };
  const response = await request("../v3/auth/tokens", options);
  const { token } = await parsed<{ token: { project: { id: string }; user: { name: string } } }>(response);
  return {
    token: response.headers.get("x-subject-token") ?? "",
    user: token.user.name,
    projectId: token.project.id,
    workspace: "",
  };
}

/** A session where the server asks nobody who they are. */
export async function enter(): Promise<Session> {
  const { projects } = await parsed<{ projects: { id: string }[] }>(await request("../v3/projects", {}));
  return { token: "", user: "", projectId: projects[0]?.id ?? "", workspace: "" };
}

export interface Api {
  session: Session;
  get<T>(path: string, query?: Record<string, string | number | boolean | undefined>, signal?: AbortSignal): Promise<T>;
  post<T>(path: string, body?: unknown, signal?: AbortSignal): Promise<T>;
}

/** The operations below `/v1/{project}` in the session's workspace. Raises ApiError. */
export function api(session: Session): Api {
  const headers: Record<string, string> = { ...JSON_TYPE };
  if (session.token) headers["x-auth-token"] = session.token;
  if (session.workspace) headers.workspace = session.workspace;
  const url = (path: string) => `../v1/${encodeURIComponent(session.projectId)}${path}`;
  return {
    session,
    async get(path, query = {}, signal) {
      const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
      const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
      return parsed(await request(url(path) + (text && `?${text}`), { headers, signal }));
    },
    async post(path, body, signal) {
      const content = body === undefined ? undefined : JSON.stringify(body);
      return parsed(await request(url(path), { method: "POST", headers, body: content, signal }));
    },
  };
}

export const jobPath = (name: string): string => `/jobs/${encodeURIComponent(name)}`;

export const instancePath = (job: string, id: string): string => `${jobPath(job)}/instances/${encodeURIComponent(id)}`;
