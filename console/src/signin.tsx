/** The page where a user signs in. */

import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";

import { signIn } from "./api";
import { Problem, Title } from "./parts";
import { begin, expired } from "./session";
import { texts } from "./texts";

export function SignIn() {
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const signing = useMutation({ mutationFn: () => signIn(user, password), onSuccess: begin });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signing.mutate();
  };
  return (
    <main className="sign-in">
      <form onSubmit={submit}>
        <p className="brand">{texts.app.name}</p>
        <Title text={texts.signIn.title} />
        {expired() && !signing.isError && <p role="status">{texts.signIn.ended}</p>}
        <label>
          {texts.signIn.user}
          <input value={user} onChange={(event) => setUser(event.target.value)} autoComplete="username" required />
        </label>
        <label>
          {texts.signIn.password}
          <input
            type="password"
            value={password}
            onChange={(event) => setPassword(event.target.value)}
            autoComplete="current-password"
            required
          />
        </label>
        <button type="submit" className="main" disabled={signing.isPending}>
          {texts.signIn.submit}
        </button>
        <Problem error={signing.error} />
        <p className="hint">{texts.signIn.hint}</p>
      </form>
    </main>
  );
}
