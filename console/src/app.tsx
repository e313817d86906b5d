/** The frame around every page: who is signed in, in which workspace, and where one can go. */

import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";

import { api, enter, type Settings } from "./api";
import { InstancePage } from "./instance";
import { Instances } from "./instances";
import { JobPage } from "./job";
import { Jobs } from "./jobs";
import { Answer, Choice, Title } from "./parts";
import { ApiProvider, useWorkspaces } from "./queries";
import { go, link, useRoute } from "./route";
import { begin, chooseWorkspace, type Session, signOut, useSession } from "./session";
import { SignIn } from "./signin";
import { texts } from "./texts";

export function App({ settings }: { settings: Settings }) {
  const session = useSession();
  if (session !== null) return <Frame session={session} settings={settings} />;
  return settings.signIn ? <SignIn /> : <Enter />;
}

/** Goes on where the server asks nobody who they are. */
function Enter() {
  const asked = useQuery({ queryKey: ["enter"], queryFn: enter });
  useEffect(() => {
    if (asked.data !== undefined) begin(asked.data);
  }, [asked.data]);
  return <Answer asked={asked}>{() => null}</Answer>;
}

function Frame({ session, settings }: { session: Session; settings: Settings }) {
  const { path } = useRoute();
  const calls = useMemo(() => api(session), [session]);
  const words = texts.app;
  const current = (name: string) => ((path[0] ?? "jobs") === name ? ("page" as const) : undefined);
  return (
    <ApiProvider value={calls}>
      <a className="skip" href="#content" onClick={skip}>
        {words.skip}
      </a>
      <header>
        <a className="brand" href={link("jobs")}>
          {words.name}
        </a>
        <nav aria-label={words.menu}>
          <a href={link("jobs")} aria-current={current("jobs")}>
            {words.jobs}
          </a>
          <a href={link("instances")} aria-current={current("instances")}>
            {words.instances}
          </a>
        </nav>
        <Workspaces chosen={session.workspace} />
        <span className="hint">{words.zone(settings.timeZone)}</span>
        {settings.signIn && (
          <button type="button" onClick={signOut}>
            {words.signOut} {session.user}
          </button>
        )}
      </header>
      <main id="content" tabIndex={-1}>
        <Page key={`${session.workspace} ${path.join("/")}`} path={path} />
      </main>
    </ApiProvider>
  );
}

/** To the content without a step to another page, whose name would stand behind the same `#`. */
function skip(event: { preventDefault: () => void }): void {
  event.preventDefault();
  document.getElementById("content")?.focus();
}

function Page({ path }: { path: string[] }) {
  const [kind, name, id] = path;
  if (kind === undefined || (kind === "jobs" && name === undefined)) return <Jobs />;
  if (kind === "jobs" && name !== undefined) return <JobPage name={name} />;
  if (kind === "instances" && name === undefined) return <Instances />;
  if (kind === "instances" && name !== undefined && id !== undefined) return <InstancePage job={name} id={id} />;
  return <Title text={texts.app.notFound} />;
}

function Workspaces({ chosen }: { chosen: string }) {
  const found = useWorkspaces().data ?? [];
  if (found.length < 2) return null;
  const standard = found.find((each) => each.is_default === 1)?.id ?? "";
  const choose = (workspace: string) => {
    chooseWorkspace(workspace);
    go(link("jobs"));
  };
  return (
    <Choice
      label={texts.app.workspace}
      value={chosen || standard}
      options={found.map((each) => [each.id, each.name] as const)}
      onChange={choose}
    />
  );
}
