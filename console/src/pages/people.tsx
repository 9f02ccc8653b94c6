// SPDX-License-Identifier: GPL-2.0-or-later
// Who may sign in, and as what: for administrators.

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useLive } from '../live';
import { useSession } from '../session';
import { type Field, FormDialog } from '../ui/form';
import { Ago, Empty, NotYet } from '../ui/parts';
import { madePassword, ShownOnce } from '../ui/secret';

interface User {
  id: number;
  name: string;
  role: string;
  grants: string[];
  password: boolean;
  disabled: boolean;
  created: string | null;
  last_sign_in: string | null;
}

const ROLES = [
  { value: 'viewer', label: 'viewer: sees everything but dumps' },
  { value: 'engineer', label: 'engineer: also takes alerts, works on issues, merges and splits reasons' },
  { value: 'operator', label: 'operator: also holds dumps, tells of changes, sets the life of hosts' },
  { value: 'administrator', label: 'administrator: everything, people and dumps too' },
];
const grantField = (user?: User): Field => ({
  name: 'grants', label: 'Besides the role', value: user?.grants.join(' ') ?? '', many: true,
  choices: [
    { value: 'download', label: 'download dumps (they hold secrets)' },
    { value: 'submit', label: 'send crashes for any host' },
    // What else somebody was granted on the command line is kept.
    ...(user?.grants ?? []).filter((g) => g !== 'download' && g !== 'submit').map((g) => ({ value: g, label: g })),
  ],
});
const words = (text: string | undefined): string[] => (text ?? '').split(' ').filter(Boolean);

type Doing = { what: 'role' | 'password' | 'disable' | 'enable'; user: User } | { what: 'add' } | null;

function Dialog({ doing, onDone, onPassword }: { doing: Exclude<Doing, null>; onDone: () => void; onPassword: (p: { name: string; password: string }) => void }): JSX.Element {
  const [made] = useState(madePassword);
  const password: Field = { name: 'password', label: 'Password, at least 12 characters (this one was made at random)', value: made, required: true };
  if (doing.what === 'add') {
    return (
      <FormDialog<User> title="Add a person" button="Add" path="/api/v1/users" nameless onDone={onDone}
        fields={[
          { name: 'name', label: 'Name to sign in with', required: true },
          { name: 'role', label: 'Role', value: 'viewer', choices: ROLES },
          grantField(),
          { ...password, required: false, label: `${password.label}; empty: the proxy signs the person in` },
        ]}
        body={(v) => ({ name: v['name']?.trim(), role: v['role'], grants: words(v['grants']), password: v['password'] || null })}
        onSent={(user, v) => { if (v['password']) onPassword({ name: user.name, password: v['password'] }); }} />
    );
  }
  const { user } = doing;
  const path = `/api/v1/users/${user.id}/${doing.what}`;
  switch (doing.what) {
    case 'role':
      return (
        <FormDialog title="Role" what={user.name} button="Set" path={path} nameless onDone={onDone}
          note="It counts from the next request on, also for the person's tokens."
          fields={[{ name: 'role', label: 'Role', value: user.role, choices: ROLES }, grantField(user)]}
          body={(v) => ({ role: v['role'], grants: words(v['grants']) })} />
      );
    case 'password':
      return (
        <FormDialog title="Reset the password" what={user.name} button="Reset" path={path} nameless onDone={onDone}
          note="All sessions of the person end." fields={[password]}
          body={(v) => ({ password: v['password'] })}
          onSent={(_, v) => onPassword({ name: user.name, password: v['password'] ?? '' })} />
      );
    case 'disable':
      return (
        <FormDialog title="Shut out" what={user.name} button="Shut out" path={path} nameless onDone={onDone}
          note="All sessions end at once and tokens count no more. It can be taken back." body={() => ({})} />
      );
    case 'enable':
      return (
        <FormDialog title="Let in again" what={user.name} button="Let in" path={path} nameless onDone={onDone}
          note="Password, role and tokens are as they were." body={() => ({})} />
      );
  }
}

export function People(): JSX.Element {
  const session = useSession();
  const list = useLive<{ users: User[] }>('/api/v1/users');
  const [doing, setDoing] = useState<Doing>(null);
  const [made, setMade] = useState<{ name: string; password: string } | null>(null);
  const users = list.data?.users;
  const inPerson = session?.kind === 'person';
  return (
    <>
      <div class="page-head">
        <h1>People</h1>
        {inPerson && <button type="button" class="button button-strong" onClick={() => setDoing({ what: 'add' })}>Add a person</button>}
      </div>
      {!users && <NotYet error={list.error} />}
      {made && (
        <ShownOnce secret={made.password} what={`the password of ${made.name}`} onDone={() => setMade(null)}>
          <p class="quiet">The person can change it under “Password” in the side bar.</p>
        </ShownOnce>
      )}
      {users?.length === 0 && (
        <Empty title="Nobody signs in yet">
          <p>As long as there is no user, everybody on the center itself is administrator. The first user is made there:</p>
          <p><code>eyrie user add NAME --role administrator</code></p>
        </Empty>
      )}
      {users && users.length > 0 && (
        <section class="panel table-box" aria-label="People">
          <table aria-label="People">
            <thead><tr><th scope="col">Name</th><th scope="col" style={{ width: '10rem' }}>Role</th><th scope="col" class="drop-3">Besides</th><th scope="col" style={{ width: '9rem' }}>Signed in</th><th scope="col" style={{ width: '21rem' }} /></tr></thead>
            <tbody>
              {users.map((u) => (
                <tr key={u.id} class={u.disabled ? 'row-off' : ''}>
                  <td><b>{u.name}</b>{u.disabled && <> <span class="badge badge-alert">shut out</span></>}{!u.password && <> <span class="badge">by proxy</span></>}</td>
                  <td>{u.role}</td>
                  <td class="drop-3">{u.grants.join(', ') || <span class="faint">–</span>}</td>
                  <td>{u.last_sign_in ? <Ago time={u.last_sign_in} /> : <span class="quiet">never</span>}</td>
                  <td class="row-buttons">
                    {inPerson && u.name === session.name && <span class="quiet">you</span>}
                    {inPerson && u.name !== session.name && (
                      <>
                        <button type="button" class="button button-small" onClick={() => setDoing({ what: 'role', user: u })}>Role…</button>
                        <button type="button" class="button button-small" onClick={() => setDoing({ what: 'password', user: u })}>Reset password…</button>
                        <button type="button" class="button button-small" onClick={() => setDoing({ what: u.disabled ? 'enable' : 'disable', user: u })}>{u.disabled ? 'Let in…' : 'Shut out…'}</button>
                      </>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {doing && <Dialog doing={doing} onDone={() => setDoing(null)} onPassword={setMade} />}
    </>
  );
}
